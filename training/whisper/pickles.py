"""PyTorch's files without PyTorch and without running what they say: a .pt or .bin in, arrays and plain values out.

Such a file is a zip with a pickle and one raw file per storage. The unpickler knows how to make tensors and
ordered dictionaries; a pickle that names anything else is refused, so that none of its code runs.
"""
import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np

from robot_ai.errors import ModelError

DTYPES = {'FloatStorage': '<f4', 'HalfStorage': '<f2', 'DoubleStorage': '<f8', 'LongStorage': '<i8',
          'IntStorage': '<i4', 'ShortStorage': '<i2', 'CharStorage': 'i1', 'ByteStorage': 'u1', 'BoolStorage': '?',
          'BFloat16Storage': 'bfloat16'}


def read_pickle(path: Path) -> dict:
    """Return what the file holds, tensors as NumPy arrays; ModelError where it is no such file or holds more."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = next((n for n in archive.namelist() if n.endswith('/data.pkl')), None)
            if name is None:
                raise ModelError(f'{path}: no PyTorch file: it holds no data.pkl')
            with archive.open(name) as stream:
                value = _Unpickler(stream, archive, name.removesuffix('data.pkl')).load()
    except zipfile.BadZipFile:
        raise ModelError(f'{path}: no zip archive; files of PyTorch before 1.6 must be saved anew') from None
    except pickle.UnpicklingError as error:
        raise ModelError(f'{path}: refused: {error}') from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError) as error:
        raise ModelError(f'{path}: cannot be read: {error!r}') from None
    if not isinstance(value, dict):
        raise ModelError(f'{path}: expected a mapping, found {type(value).__name__}')
    return value


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream, archive, root):
        super().__init__(stream)
        self._archive, self._root = archive, root

    def find_class(self, module, name):
        if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
            return _rebuild
        if (module, name) == ('torch._utils', '_rebuild_parameter'):
            return lambda tensor, *_: tensor
        if (module, name) == ('collections', 'OrderedDict'):
            return OrderedDict
        if module == 'torch' and name in DTYPES:
            return name
        raise pickle.UnpicklingError(f'the pickle asks for {module}.{name}; only tensors are read')

    def persistent_load(self, found):
        kind, dtype, key, *_ = found
        if kind != 'storage' or not str(key).isalnum():
            raise pickle.UnpicklingError(f'unknown reference {found!r}')
        raw = self._archive.read(f'{self._root}data/{key}')
        if DTYPES[dtype] == 'bfloat16':  # the upper half of a float32
            return (np.frombuffer(raw, '<u2').astype('<u4') << 16).view('<f4')
        return np.frombuffer(raw, DTYPES[dtype])


def _rebuild(storage, offset, shape, strides, *_):
    if any(n < 0 for n in (offset, *shape, *strides)):
        raise ValueError('negative sizes')
    last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
    # Strides of 0 could make terabytes of a few bytes.
    if 0 in shape or last >= len(storage) or math.prod(shape) > len(storage):
        raise ValueError(f'a tensor {tuple(shape)} reaches beyond its {len(storage)} values')
    view = np.lib.stride_tricks.as_strided(storage[offset:], shape, [s * storage.itemsize for s in strides])
    return np.array(view)
