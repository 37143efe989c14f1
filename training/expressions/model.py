"""The parser network: a formula's symbols (scores and boxes) in, corrected labels and the layout tree's edges out.

A dependency parser in two dimensions: a small Transformer over the symbols whose attention is biased by each pair's
geometry, then for every pair (parent, child) the log-probability of being joined and of each relation. The tree
is chosen from these by `robot_ai.vision.parsing`. About 0.3 M parameters; `keras.ops` only.
"""
import keras
from keras import layers, ops

from robot_ai.vision.layout import RELATIONS

PAIR_FEATURES = 11
FAR = -1e9


def pair_geometry(boxes):
    """Return how each symbol j lies to each i: [batch, i, j, 11], from boxes [batch, n, 4] in typical sizes.

    Squashed, because whether something is 5 or 10 sizes away makes no difference.
    """
    left, top, right, bottom = (boxes[..., k] for k in range(4))
    height, width = ops.maximum(bottom - top, 0.05), ops.maximum(right - left, 0.05)
    cx, cy = (left + right) / 2, (top + bottom) / 2

    def between(a, b):  # b of j minus a of i
        return ops.expand_dims(b, 1) - ops.expand_dims(a, 2)
    distances = [between(right, left), between(left, left), between(right, right), between(cx, cx), between(cy, cy),
                 between(bottom, top), between(top, bottom), between(top, top), between(bottom, bottom)]
    ratios = [between(ops.log(height), ops.log(height)), between(ops.log(width), ops.log(width))]
    squashed = [x / (1.0 + ops.abs(x) / 3.0) for x in distances]
    return ops.stack([*squashed, *ratios], axis=-1)


@keras.saving.register_keras_serializable('robot_ai')
class PairAttention(layers.Layer):
    """Self-attention over symbols with a bias a head from the pairs' features, then a feed-forward; pre-norm."""

    def __init__(self, width, heads, expansion=2, dropout=0.1, **kwargs):
        super().__init__(**kwargs)
        self.width, self.heads, self.expansion, self.dropout = width, heads, expansion, dropout
        self.norms = [layers.LayerNormalization(epsilon=1e-5, name=f'norm{i}') for i in range(2)]
        self.projection = layers.Dense(3 * width, name='projection')
        self.output_projection = layers.Dense(width, name='output')
        self.bias = layers.Dense(heads, name='bias')
        self.up = layers.Dense(expansion * width, activation='gelu', name='up')
        self.down = layers.Dense(width, name='down')
        self.drop = layers.Dropout(dropout)

    def build(self, input_shape):
        """Build for inputs [batch, n, width] (the pairs' width is 32)."""
        for layer in (*self.norms, self.projection, self.output_projection, self.up):
            layer.build((None, None, self.width))
        self.bias.build((None, None, None, PAIR_WIDTH))
        self.down.build((None, None, self.expansion * self.width))
        super().build(input_shape)

    def call(self, x, pairs=None, mask=None, training=False):
        """Return x [batch, n, width] after attention; mask [batch, n] is 1 for real symbols."""
        count, size = x.shape[1], self.width // self.heads
        queries, keys, values = ops.split(self.projection(self.norms[0](x)), 3, axis=-1)

        def by_head(t):
            return ops.transpose(ops.reshape(t, (-1, count, self.heads, size)), (0, 2, 1, 3))
        logits = ops.matmul(by_head(queries), ops.transpose(by_head(keys), (0, 1, 3, 2))) / size ** 0.5
        logits = logits + ops.transpose(self.bias(pairs), (0, 3, 1, 2))
        logits = logits + (1.0 - mask[:, None, None, :]) * FAR
        mixed = ops.transpose(ops.matmul(ops.softmax(logits), by_head(values)), (0, 2, 1, 3))
        mixed = ops.reshape(mixed, (-1, count, self.width))
        x = x + self.drop(self.output_projection(mixed), training=training)
        return x + self.drop(self.down(self.up(self.norms[1](x))), training=training)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), 'width': self.width, 'heads': self.heads, 'expansion': self.expansion,
                'dropout': self.dropout}


PAIR_WIDTH = 32


@keras.saving.register_keras_serializable('robot_ai')
class Parser(keras.Model):
    """scores [b, n, classes], boxes [b, n, 4] (typical sizes), mask [b, n] -> {'labels', 'edges'}.

    'labels': logits [b, n, classes]. 'edges': log-probabilities [b, n + 1, n, 6] that the child (third axis)
    hangs on the parent (second axis; the last one is the root) by each of layout.RELATIONS.
    """

    def __init__(self, classes, width=96, heads=4, depth=3, dropout=0.1, **kwargs):
        super().__init__(**kwargs)
        self.settings = {'classes': classes, 'width': width, 'heads': heads, 'depth': depth, 'dropout': dropout}
        self.embed_scores = layers.Dense(width, name='embed_scores')
        self.embed_boxes = layers.Dense(width, name='embed_boxes')
        self.embed_pairs = [layers.Dense(PAIR_WIDTH, activation='gelu', name=f'embed_pairs{i}') for i in range(2)]
        self.blocks = [PairAttention(width, heads, dropout=dropout, name=f'block{i}') for i in range(depth)]
        self.norm = layers.LayerNormalization(epsilon=1e-5, name='norm')
        self.label = layers.Dense(classes, name='label')
        self.as_parent, self.as_child, self.as_pair = (layers.Dense(64, name=f'as_{n}')
                                                       for n in ('parent', 'child', 'pair'))
        self.edge = layers.Dense(1 + len(RELATIONS), name='edge')
        self.root = layers.Dense(1, name='root')
        self.trust = self.add_weight(shape=(), initializer='ones', name='trust')

    def call(self, inputs, training=False):
        """Run the network; see the class."""
        scores, boxes, mask = inputs['scores'], inputs['boxes'], inputs['mask']
        pairs = self.embed_pairs[1](self.embed_pairs[0](pair_geometry(boxes)))
        size = ops.stack([boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1], boxes[..., 1], boxes[..., 3]],
                         axis=-1)
        x = self.embed_scores(ops.sqrt(scores + 1e-9)) + self.embed_boxes(size / (1.0 + ops.abs(size) / 3.0))
        for block in self.blocks:
            x = block(x, pairs=pairs, mask=mask, training=training)
        x = self.norm(x)
        labels = self.label(x) + self.trust * ops.log(scores + 1e-5)
        joined = ops.gelu(self.as_parent(x)[:, :, None] + self.as_child(x)[:, None] + self.as_pair(pairs))
        edges = self.edge(joined)  # [b, parent, child, 1 + 6]
        count = boxes.shape[1]
        forbidden = (1.0 - mask[:, :, None]) + ops.eye(count)[None]
        arcs = edges[..., 0] + forbidden * FAR
        arcs = ops.log_softmax(ops.concatenate([arcs, ops.transpose(self.root(x), (0, 2, 1))], axis=1), axis=1)
        relations = ops.log_softmax(edges[..., 1:], axis=-1)
        relations = ops.concatenate([relations, ops.zeros_like(relations[:, :1])], axis=1)
        return {'labels': labels, 'edges': arcs[..., None] + relations}

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), **self.settings}


def build(classes: int, count: int = 16, **settings) -> Parser:
    """Return a built parser."""
    model = Parser(classes, **settings)
    model({'scores': ops.zeros((1, count, classes)), 'boxes': ops.zeros((1, count, 4)),
           'mask': ops.ones((1, count))})
    return model
