"""sensor_msgs images in and out: any encoding that cameras send becomes grey uint8 [height, width].

Numbers of bytes a pixel, row strides and byte order are checked before a byte is looked at: a message that does not
fit its own labels raises ImageError, which says what was expected.
"""
from array import array

import cv2
import numpy as np

from robot_ai.errors import ImageError
from robot_ai.vision.ink import to_grey

MAX_PIXELS = 120_000_000  # 8K has 33 million
MAX_COMPRESSED = 64_000_000  # bytes

# encoding -> (bytes a sample, samples a pixel, how OpenCV makes grey of it; None: it is grey)
_PLAIN = {
    'mono8': (1, 1, None), '8uc1': (1, 1, None), 'mono16': (2, 1, None), '16uc1': (2, 1, None),
    'rgb8': (1, 3, cv2.COLOR_RGB2GRAY), 'bgr8': (1, 3, cv2.COLOR_BGR2GRAY), '8uc3': (1, 3, cv2.COLOR_BGR2GRAY),
    'rgba8': (1, 4, cv2.COLOR_RGBA2GRAY), 'bgra8': (1, 4, cv2.COLOR_BGRA2GRAY), '8uc4': (1, 4, cv2.COLOR_BGRA2GRAY),
    'rgb16': (2, 3, cv2.COLOR_RGB2GRAY), 'bgr16': (2, 3, cv2.COLOR_BGR2GRAY),
    'rgba16': (2, 4, cv2.COLOR_RGBA2GRAY), 'bgra16': (2, 4, cv2.COLOR_BGRA2GRAY),
}
_YUV = {  # 4:2:2, two bytes a pixel; which of them is the brightness
    'yuv422': 1, 'uyvy': 1, 'yuv422_uyvy': 1, 'yuv422_yuy2': 0, 'yuyv': 0}
_BAYER = {  # OpenCV names the pattern by its second row
    'bayer_rggb': cv2.COLOR_BayerBG2GRAY, 'bayer_bggr': cv2.COLOR_BayerRG2GRAY,
    'bayer_gbrg': cv2.COLOR_BayerGR2GRAY, 'bayer_grbg': cv2.COLOR_BayerGB2GRAY}
ENCODINGS = (*_PLAIN, *_YUV, *(name + bits for name in _BAYER for bits in ('8', '16')))


def grey_of(message) -> np.ndarray:
    """Return a sensor_msgs/Image as uint8 [height, width]; ImageError where it does not fit its own labels."""
    encoding = message.encoding.strip().lower()
    height, width = message.height, message.width
    if not 0 < height * width <= MAX_PIXELS:
        raise ImageError(f'an image of {width} x {height} pixels; expected 1 to {MAX_PIXELS} pixels')
    if encoding in _YUV:
        return np.ascontiguousarray(_rows(message, 1, 2)[:, :, _YUV[encoding]])
    if encoding in _PLAIN:
        size, samples, code = _PLAIN[encoding]
        pixels = _eight_bits(_rows(message, size, samples))
        return to_grey(pixels[:, :, 0]) if code is None else cv2.cvtColor(pixels, code)
    for bits, size in (('16', 2), ('8', 1)):
        name = encoding.removesuffix(bits)
        if name != encoding and name in _BAYER:
            mosaic = _eight_bits(_rows(message, size, 1))[:, :, 0]
            if min(mosaic.shape) < 3:  # nothing to interpolate between
                return to_grey(mosaic)
            return cv2.cvtColor(np.ascontiguousarray(mosaic), _BAYER[name])
    raise ImageError(f'encoding {message.encoding!r} is none of {", ".join(ENCODINGS)}; publish bgr8 or mono8')


def _rows(message, size, samples):
    """Return the pixels as [height, width, samples], without the padding at the end of each row."""
    height, width, step = message.height, message.width, message.step
    row = width * samples * size
    if step < row:
        raise ImageError(f'step {step}: a row of {width} {message.encoding} pixels has {row} bytes')
    data = np.frombuffer(memoryview(message.data), np.uint8)
    if len(data) < step * (height - 1) + row:
        raise ImageError(f'{len(data)} bytes; {height} rows of {step} bytes were announced')
    # A view over the strides: the last row may come without its padding.
    rows = np.lib.stride_tricks.as_strided(data, (height, row), (step, 1), writeable=False)
    if size == 2:
        rows = np.ascontiguousarray(rows).view('>u2' if message.is_bigendian else '<u2')
    return rows.reshape(height, width, samples)


def _eight_bits(pixels):
    return np.ascontiguousarray(pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8))


def grey_of_compressed(message) -> np.ndarray:
    """Return a sensor_msgs/CompressedImage (JPEG, PNG, ...) as uint8 [height, width]; ImageError where it is none."""
    data = np.frombuffer(memoryview(message.data), np.uint8)
    if not 0 < len(data) <= MAX_COMPRESSED:
        raise ImageError(f'a compressed image of {len(data)} bytes; expected 1 to {MAX_COMPRESSED}')
    try:
        # With its depth: a 16-bit PNG must not lose contrast unseen.
        image = cv2.imdecode(data, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(f'format {message.format!r}: {len(data)} bytes that are no JPEG or PNG')
    if image.size > MAX_PIXELS:
        raise ImageError(f'an image of {image.shape[1]} x {image.shape[0]} pixels; expected at most {MAX_PIXELS}')
    return to_grey(image)


def to_image_message(image: np.ndarray, stamp=None, frame_id: str = ''):
    """Return uint8 [h, w] (mono8) or [h, w, 3] (bgr8) as a sensor_msgs/Image."""
    from sensor_msgs.msg import Image
    image = np.ascontiguousarray(image, np.uint8)
    message = Image(height=image.shape[0], width=image.shape[1], step=image.strides[0],
                    encoding='mono8' if image.ndim == 2 else 'bgr8')
    message.header.frame_id = frame_id
    if stamp is not None:
        message.header.stamp = stamp
    data = array('B')
    data.frombytes(image.tobytes())
    message.data = data
    return message
