"""Messages to blocks, and blocks to times: worked out by hand, then for anything that a broken publisher may send."""
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip('rclpy')

from std_msgs.msg import (  # noqa: E402
    ByteMultiArray,
    Int16MultiArray,
    MultiArrayDimension,
    MultiArrayLayout,
    String,
)

from robot_ai.errors import AudioError  # noqa: E402
from robot_ai.nodes.audio_messages import (  # noqa: E402
    ARRAY,
    PcmFormat,
    form_of,
    to_array_message,
    to_block,
)
from robot_ai.nodes.audio_time import DRIFTED, GOES_ON, MS, RESTARTED, SpeechGate, Timeline  # noqa: E402

SECOND = 1000 * MS


def message(data, *dimensions, offset=0):
    dim = [MultiArrayDimension(label=label, size=size) for label, size in dimensions]
    return Int16MultiArray(data=array('h', data), layout=MultiArrayLayout(dim=dim, data_offset=offset))


def test_three_frames_of_two_channels_round_trip_without_a_copy():
    samples = np.array([[1, -1], [2, -2], [3, -3]], np.int16)
    sent = to_array_message(samples, 22_050)
    block = to_block(sent, ARRAY)
    assert block.samples.tolist() == samples.tolist() and block.rate == 22_050 and block.stamp_ns is None
    assert np.shares_memory(block.samples, np.asarray(sent.data))
    assert block.duration_ns == 3 * SECOND // 22_050


def test_labels_rule_over_parameters_and_planar_sound_is_interleaved():
    planar = message([9, 1, 2, 3, 4, 5, 6], ('channels', 2), ('samples rate=8000', 3), offset=1)
    block = to_block(planar, ARRAY, PcmFormat(16_000, 1))
    assert block.samples.tolist() == [[1, 4], [2, 5], [3, 6]] and block.rate == 8000
    assert to_block(message([1, 2]), ARRAY, PcmFormat(16_000, 2)).samples.shape == (1, 2)


@pytest.mark.parametrize('sent, reason', [
    (message([1, 2, 3]), 'does not say its rate'),
    (message([1], ('samples rate=7999', 1)), '8000 to 48000'),
    (message([1], ('samples rate=48001', 1)), '8000 to 48000'),
    (message([1, 2, 3], ('samples rate=16000', 1), ('channels', 2)), 'shared among 2'),
    (message([1], ('samples rate=16000', 1), ('channels', 0)), '0 channels'),
    (message([1] * 9, ('samples rate=16000', 1), ('channels', 9)), '9 channels'),
    (message([0] * 240_001, ('samples rate=8000', 1)), 'at most 30 s')])
def test_what_does_not_fit_its_own_labels_is_refused_with_the_reason(sent, reason):
    with pytest.raises(AudioError, match=reason):
        to_block(sent, ARRAY)


def test_forms_are_told_by_fields():
    assert form_of(Int16MultiArray) == ARRAY
    for other in (String, ByteMultiArray):
        with pytest.raises(AudioError, match='publish std_msgs/Int16MultiArray'):
            form_of(other)


@settings(max_examples=200, deadline=None)
@given(data=st.lists(st.integers(-32768, 32767), max_size=40), offset=st.integers(0, 2**32 - 1),
       dims=st.lists(st.tuples(st.text(max_size=12) | st.sampled_from(['channels', 'samples rate=16000', 'rate=9']),
                               st.integers(0, 2**32 - 1)), max_size=4))
def test_any_layout_gives_a_block_or_an_audio_error(data, offset, dims):
    try:
        block = to_block(message(data, *dims, offset=offset), ARRAY, PcmFormat(16_000, 1))
    except AudioError:
        return
    assert block.samples.ndim == 2 and 1 <= block.samples.shape[1] <= 8


def place(timeline, stamp, now, frames=1600, rate=16_000):
    return timeline.place(stamp, now, frames, rate)


def test_unstamped_sound_counts_from_the_first_receipt_whatever_the_jitter():
    timeline = Timeline()
    assert place(timeline, None, 10 * SECOND) == (9900 * MS, RESTARTED)
    for index, jitter in enumerate((0, 40, 300, 210, 120, 20, 45), 1):
        now = 10 * SECOND + (100 * index + jitter) * MS
        assert place(timeline, None, now) == ((9900 + 100 * index) * MS, GOES_ON)


def test_sound_that_stays_late_by_more_than_50_ms_is_stamped_anew():
    timeline = Timeline()
    place(timeline, None, 10 * SECOND)
    changes = []
    for index in range(1, 15):  # 60 ms of sound were lost after the first block
        begin, change = place(timeline, None, 10 * SECOND + (100 * index + 60) * MS)
        changes.append(change)
    assert changes.count(DRIFTED) == 1 and begin == (9900 + 1400 + 60) * MS


def test_late_by_less_than_50_ms_is_no_drift():
    timeline = Timeline()
    place(timeline, None, 10 * SECOND)
    for index in range(1, 40):
        begin, change = place(timeline, None, 10 * SECOND + (100 * index + 49) * MS)
        assert change == GOES_ON and begin == (9900 + 100 * index) * MS


def test_a_gap_another_rate_or_a_clock_set_back_begin_another_stream():
    timeline = Timeline()
    place(timeline, 5 * SECOND, 5 * SECOND)
    assert place(timeline, 5100 * MS, 5200 * MS) == (5100 * MS, GOES_ON)
    assert place(timeline, 7 * SECOND, 7 * SECOND) == (7 * SECOND, RESTARTED)
    assert place(timeline, 7100 * MS, 7100 * MS, rate=48_000) == (7100 * MS, RESTARTED)
    assert place(timeline, 1 * SECOND, 1 * SECOND, rate=48_000) == (1 * SECOND, RESTARTED)


def test_a_lossless_replay_may_run_ahead_of_unstamped_sound_but_not_by_a_pause():
    timeline = Timeline(lossless=True)
    place(timeline, None, 10 * SECOND)
    for index in range(1, 20):  # delivered at once, with the clock two seconds ahead
        assert place(timeline, None, 12 * SECOND) == ((9900 + 100 * index) * MS, GOES_ON)
    assert place(timeline, None, 60 * SECOND)[1] == RESTARTED
    for index in range(1, 100):  # ten seconds of sound while the clock hardly moves
        assert place(timeline, None, 60 * SECOND + index) == ((59_900 + 100 * index) * MS, GOES_ON)
    assert place(timeline, None, 59 * SECOND)[1] == RESTARTED


def test_the_gate_covers_speech_and_tail_also_for_blocks_that_come_late():
    gate = SpeechGate(200 * MS)
    gate.tell(True, 1000 * MS)
    assert gate.covers(950 * MS, 1050 * MS) and not gate.covers(900 * MS, 1000 * MS)
    assert gate.covers(9000 * MS, 9100 * MS)  # it speaks still
    gate.tell(False, 2000 * MS)
    assert gate.covers(2150 * MS, 2250 * MS) and not gate.covers(2200 * MS, 2300 * MS)
    assert gate.covers(1500 * MS, 1600 * MS) and not gate.covers(500 * MS, 600 * MS)
    gate.reset()
    assert not gate.covers(1500 * MS, 1600 * MS) and not gate.speaking
