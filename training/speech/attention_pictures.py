"""Pictures of what a speech model attends to: samples of one clip in, grey pictures of its attention out.

Computed again, outside training's steps, so that those pay nothing for it.
"""
import contextlib

import keras
import numpy as np

from training.speech.model import FRAME_SAMPLES, frame_count

SMALLEST = 256  # pixels of a side: small pictures are enlarged


@contextlib.contextmanager
def recorded(attention):
    """Collect the weights float32 [B, H, T, S] that an Attention layer computes meanwhile; yields the list."""
    seen, attend = [], attention.attend

    def watched(*args):
        seen.append(attend(*args))
        return seen[-1]
    attention.attend = watched
    try:
        yield seen
    finally:
        del attention.attend


def attention_pictures(model, samples: np.ndarray, tokens: list[int]) -> dict[str, np.ndarray]:
    """Return name -> uint8 [h, w]: the last blocks' attention for one clip, float32 [n] with label indices `tokens`.

    'encoder': frames of 40 ms over frames, one square a head, side by side (none in a recurrent model); 'decoder',
    where there is one: the labels, from the start sign on, downwards over the encoder's frames to the right.
    """
    frames = frame_count(len(samples))
    given = (np.pad(samples, (0, frames * FRAME_SAMPLES - len(samples)))[None], np.array([len(samples)], np.int32))
    given = [keras.ops.convert_to_tensor(array) for array in given]
    own = getattr(model.blocks[-1], 'attention', None) if model.blocks else None
    pictures = {}
    with recorded(own) if own else contextlib.nullcontext([]) as seen:
        memory, _ = model.encode(*given)
    if seen:
        pictures['encoder'] = picture(keras.ops.convert_to_numpy(seen[-1])[0])
    if model.decoder:
        with recorded(model.decoder[-1].cross) as seen:
            model.decode(memory, keras.ops.convert_to_tensor(np.array([frames], np.int32)),
                         keras.ops.convert_to_tensor(np.array([tokens], np.int32)))
        pictures['decoder'] = picture(keras.ops.convert_to_numpy(seen[-1])[0])
    return pictures


def picture(weights: np.ndarray) -> np.ndarray:
    """Return weights float [H, T, S] of the heads side by side as uint8, white the greatest of each head."""
    heads = np.pad(weights / weights.max(axis=(1, 2), keepdims=True), ((0, 0), (0, 0), (0, 1)), constant_values=1)
    size = -(-SMALLEST // weights.shape[1])
    return np.kron(np.uint8(255 * np.concatenate(heads, axis=1)[:, :-1]), np.ones((size, size), np.uint8))
