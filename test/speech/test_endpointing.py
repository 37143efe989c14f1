"""Utterances are found where they are, pauses are respected, and steady noise never holds one open."""
import numpy as np
import pytest
from tone_model import silence, tones

from robot_ai.errors import ConfigurationError
from robot_ai.speech.endpointing import (
    FRAME,
    LOWEST_FLOOR_DB,
    PROFILES,
    Begin,
    End,
    Endpointer,
    ambient_floors,
    band_levels,
    find_profile,
)


def ends(samples, profile='normal', muted=()):
    endpointer, events = Endpointer(profile), []
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        events += endpointer.push(samples[start:start + FRAME], any(a <= start < b for a, b in muted))
    events += endpointer.finish()
    assert [type(event) for event in events] == [Begin, End] * (len(events) // 2)
    return [event for event in events if isinstance(event, End)]


def test_begin_has_pre_roll_and_end_has_tail():
    (end,) = ends(np.concatenate([silence(1.0), tones('hola'), silence(1.5, 1)]))
    assert 1.0 - 0.36 < end.start / 16000 < 1.0 - 0.24
    assert 1.72 + 0.15 < end.end / 16000 < 1.72 + 0.4
    assert end.known / 16000 == pytest.approx(1.72 + PROFILES['normal'].silence_s, abs=0.1)
    assert end.speech and end.why == 'silence'


def test_pauses_and_profiles():
    sound = np.concatenate([silence(0.5), tones('quiero'), silence(2.9, 1), tones('agua'), silence(3.5, 2)])
    assert len(ends(sound)) == 2
    assert len(ends(sound, 'paused_speech')) == 1
    short_pause = np.concatenate([silence(0.5), tones('quiero'), silence(0.4, 1), tones('agua'), silence(1, 2)])
    assert len(ends(short_pause)) == 1


def test_utterances_do_not_overlap():
    sound = np.concatenate([silence(0.5)] + [np.concatenate([tones('ya'), silence(0.7, i)]) for i in range(5)])
    found = ends(sound)
    assert len(found) == 5
    assert all(a.end <= b.start for a, b in zip(found, found[1:]))


@pytest.mark.parametrize('noise', [
    lambda n: np.random.default_rng(0).standard_normal(n) * 0.1,
    lambda n: 0.3 * np.sin(2 * np.pi * 100 * np.arange(n) / 16000),
    lambda n: 0.1 * np.sign(np.sin(2 * np.pi * 180 * np.arange(n) / 16000)),
    lambda n: np.cumsum(np.random.default_rng(1).standard_normal(n)) % 1 * 0.1,
])
@pytest.mark.parametrize('profile', PROFILES)
def test_noise_that_starts_and_stays_never_holds_an_utterance_open(noise, profile):
    sound = np.concatenate([silence(3.0), noise(16000 * 40).astype(np.float32)])
    found = ends(sound, profile)
    assert len(found) <= 1
    assert all(end.known < 16000 * 15 for end in found)


def test_endless_speech_is_ended_by_length():
    sound = np.concatenate([np.concatenate([tones('abcdefgh'), silence(0.3, i)]) for i in range(15)])
    found = ends(sound)
    assert found[0].why == 'length'
    assert (found[0].end - found[0].start) / 16000 == pytest.approx(PROFILES['normal'].max_utterance_s, abs=0.1)
    assert found[1].start >= found[0].end


def test_a_click_is_no_speech():
    sound = silence(3.0)
    sound[16000:16040] = 0.9
    assert ends(sound) == []


def test_speech_in_noise_is_found():
    noise = np.random.default_rng(7).standard_normal(16000 * 12).astype(np.float32) * 0.02
    noise[16000 * 8:16000 * 8 + 16000] += tones('abcde')[:16000]
    found = [end for end in ends(noise) if end.start > 16000 * 7]
    assert len(found) == 1 and found[0].start / 16000 == pytest.approx(7.8, abs=0.2)


def test_muted_frames_end_speech_and_are_not_in_the_next():
    sound = np.concatenate([silence(0.5), tones('hola'), tones('amigo'), silence(1.0, 1)])
    first, second = ends(sound, muted=[(16000, 20000)])
    assert first.why == 'muted' and first.end <= 16000 + 2 * FRAME
    assert second.start >= 20000


def test_band_levels_of_a_sine():
    wave = 0.1 * np.sin(2 * np.pi * 1400 * np.arange(FRAME) / 16000)  # in the band from 1100 to 1700 Hz
    levels = band_levels(wave.astype(np.float32))
    assert levels[3] == pytest.approx(-23.0, abs=0.1) and max(np.delete(levels, 3)) < -50


def test_ambient_floors_seed_the_endpointer_and_ignore_one_knock():
    noise = np.random.default_rng(0).standard_normal(16000 * 8).astype(np.float32) * 0.02
    floors = ambient_floors(noise[:16000 * 4])
    knocked = noise[:16000 * 4].copy()
    knocked[8000:8200] = 0.9
    assert np.abs(ambient_floors(knocked) - floors).max() < 2
    assert ambient_floors(np.zeros(16000, np.float32)) == pytest.approx(LOWEST_FLOOR_DB, abs=6)
    seeded = Endpointer(floors_db=floors)
    assert not [event for k in range(0, 60000, FRAME) for event in seeded.push(noise[k:k + FRAME])]


def test_unknown_profile_is_refused_with_the_choice():
    with pytest.raises(ConfigurationError, match='normal, paused_speech'):
        find_profile('slow')
