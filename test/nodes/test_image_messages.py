"""Every encoding gives the same grey picture, whatever its stride and byte order; what does not fit is refused."""
import numpy as np
import pytest

pytest.importorskip('sensor_msgs')

import cv2  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from robot_ai.errors import ImageError  # noqa: E402
from robot_ai.nodes.image_messages import ENCODINGS, grey_of, grey_of_compressed, to_image_message  # noqa: E402

GREY = (np.arange(6 * 10).reshape(6, 10) * 4).astype(np.uint8)  # height 6, width 10


def message(pixels, encoding, padding=0, big_endian=False):
    """Return an Image of pixels [h, w, ...] whose rows have `padding` further bytes."""
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)
    rows = np.concatenate([rows, np.full((len(rows), padding), 99, np.uint8)], axis=1)
    return Image(height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, step=rows.shape[1],
                 is_bigendian=int(big_endian), data=rows.tobytes())


def pixels_of(encoding):
    """Return what a camera of this encoding sends of GREY."""
    wide = GREY.astype(np.uint16) << 8
    if encoding in ('mono8', '8uc1'):
        return GREY
    if encoding in ('mono16', '16uc1'):
        return wide
    if encoding in ('yuv422', 'uyvy', 'yuv422_uyvy'):
        return np.stack([np.full_like(GREY, 128), GREY], axis=-1)
    if encoding in ('yuv422_yuy2', 'yuyv'):
        return np.stack([GREY, np.full_like(GREY, 128)], axis=-1)
    if encoding.startswith('bayer'):
        return wide if encoding.endswith('16') else GREY
    samples = 4 if 'a' in encoding or encoding == '8uc4' else 3
    return np.repeat((wide if encoding.endswith('16') else GREY)[:, :, None], samples, axis=2)


@pytest.mark.parametrize('padding', [0, 6])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_gives_the_same_picture(encoding, padding):
    grey = grey_of(message(pixels_of(encoding), encoding, padding))
    assert grey.shape == (6, 10) and grey.dtype == np.uint8
    if encoding.startswith('bayer'):  # interpolated: a ramp stays a ramp inside
        assert np.abs(grey[1:-1, 1:-1].astype(int) - GREY[1:-1, 1:-1]).max() <= 2
    else:
        np.testing.assert_array_equal(grey, GREY)


def test_colours_weigh_by_channel_order():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    assert grey_of(message(red, 'rgb8'))[0, 0] == 60 and grey_of(message(red, 'bgr8'))[0, 0] == 23


def test_bayer_patterns_put_red_where_they_say():
    red, wanted = np.zeros((8, 8), np.uint8), cv2.cvtColor(np.uint8([[[200, 0, 0]]]), cv2.COLOR_RGB2GRAY)[0, 0]
    for name, row, column in (('rggb', 0, 0), ('bggr', 1, 1), ('gbrg', 1, 0), ('grbg', 0, 1)):
        mosaic = red.copy()
        mosaic[row::2, column::2] = 200
        assert grey_of(message(mosaic, f'bayer_{name}8'))[2:6, 2:6].mean() == pytest.approx(float(wanted), abs=2), name


def test_big_endian_is_read_as_such():
    wide = (GREY.astype('>u2') * 256).astype('>u2')
    np.testing.assert_array_equal(grey_of(message(wide, 'mono16', big_endian=True)), GREY)


def test_the_last_row_may_come_without_its_padding():
    padded = message(GREY, 'mono8', padding=6)
    padded.data = padded.data[:-6]
    np.testing.assert_array_equal(grey_of(padded), GREY)


def test_smallest_and_largest_pictures():
    for encoding in ENCODINGS:
        assert grey_of(message(pixels_of(encoding)[:1, :1], encoding)).shape == (1, 1)
    assert grey_of(to_image_message(np.zeros((4320, 7680, 3), np.uint8))).shape == (4320, 7680)


@pytest.mark.parametrize('change, reason', [
    ({'encoding': 'jpeg'}, "encoding 'jpeg' is none of mono8"), ({'step': 5}, 'a row of 10 mono8 pixels has 10 bytes'),
    ({'height': 7}, '7 rows of 10 bytes'), ({'width': 0}, '0 x 6 pixels'), ({'height': 2**31}, 'pixels'),
    ({'encoding': 'bgra8'}, 'a row of 10'), ({'data': b''}, '0 bytes')])
def test_what_does_not_fit_its_labels_is_refused(change, reason):
    image = message(GREY, 'mono8')
    for name, value in change.items():
        setattr(image, name, value)
    with pytest.raises(ImageError, match=reason):
        grey_of(image)


def test_compressed_pictures():
    for suffix in ('.png', '.jpg'):
        data = cv2.imencode(suffix, GREY)[1].tobytes()
        assert np.abs(grey_of_compressed(CompressedImage(data=data)).astype(int) - GREY).max() < 12
    for data in (b'', b'no picture', cv2.imencode('.png', GREY)[1].tobytes()[:40]):
        with pytest.raises(ImageError):
            grey_of_compressed(CompressedImage(data=data, format='png'))


@settings(max_examples=300, deadline=None)
@given(encoding=st.sampled_from(ENCODINGS) | st.text(max_size=12), width=st.integers(0, 40), height=st.integers(0, 40),
       step=st.integers(0, 400), data=st.binary(max_size=4000), big=st.integers(0, 1))
def test_any_message_gives_a_picture_or_an_image_error(encoding, width, height, step, data, big):
    image = Image(encoding=encoding, width=width, height=height, step=step, data=data, is_bigendian=big)
    try:
        assert grey_of(image).shape == (height, width)
    except ImageError as error:
        assert str(error)
