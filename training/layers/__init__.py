"""Keras layers shared by the models, `keras.ops` only, so that they run on every Keras backend."""
