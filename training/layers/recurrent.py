"""The recurrent baseline's block: what the Transformer is measured against, on the same data and schedule."""
import keras
from keras import ops


class RecurrentBlock(keras.layers.Layer):
    """Pre-norm bidirectional LSTM with a residual, [B, T, D] -> [B, T, D]; takes an EncoderBlock's place."""

    def __init__(self, dropout: float = 0.1, **kwargs):
        """Each direction has D / 2 units."""
        super().__init__(**kwargs)
        self.dropout = dropout
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name='norm')
        self.drop = keras.layers.Dropout(dropout)

    def build(self, shape):
        """Make both directions."""
        units = shape[-1] // 2
        self.lstm = keras.layers.Bidirectional(
            keras.layers.LSTM(units, return_sequences=True, use_cudnn=False, name='lstm'), name='both')
        for part in (self.norm, self.lstm, self.drop):
            part.build(shape)
        self.built = True

    def call(self, x, allowed, valid, training=False):
        """`valid` [B, T, 1] keeps padding out of both directions; `allowed` is an EncoderBlock's and not needed."""
        inside = ops.squeeze(valid, -1) > 0
        return x + self.drop(self.lstm(self.norm(x), mask=inside, training=training), training=training)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'dropout': self.dropout}
