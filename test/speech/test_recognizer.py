"""The same sound gives the same finals at the same times however it is cut; partials never take back."""
import numpy as np
import pytest
from tone_model import ToneGraph, silence, tones

from robot_ai.errors import AudioError, ConfigurationError
from robot_ai.speech.recognizer import Final, Partial, SpeechRecognizer, VoiceActivity, split_at_quiet


@pytest.fixture
def recognizer():
    return SpeechRecognizer('', graph=ToneGraph())


def sentences():
    return np.concatenate([silence(1.0), tones('hola amigo'), silence(1.5, 1), tones('sí'), silence(1.2, 2)])


def run(stream, samples, sizes):
    events, start = [], 0
    for size in sizes:
        events += stream.accept(samples[start:start + size])
        start += size
    return events + stream.accept(samples[start:]) + stream.finish()


def test_times_and_texts_are_those_that_were_planted(recognizer):
    first, second = recognizer.transcribe(sentences())
    assert (first.text, second.text) == ('hola amigo', 'sí')
    assert [word.text for word in first.words] == ['hola', 'amigo']
    # 'hola' sounds from 1.0 s for 4 letters of 200 ms; its last tone ends 80 ms earlier.
    assert first.words[0].start == pytest.approx(1.0, abs=0.05)
    assert first.words[0].end == pytest.approx(1.72, abs=0.05)
    assert first.words[1].start == pytest.approx(1.0 + 5 * 0.2, abs=0.05)
    assert second.start < second.words[0].start < second.words[0].end <= second.end
    assert first.confidence > 0.8
    assert first.candidates[0].text == first.text
    assert first.language == 'es'


def test_block_division_changes_nothing(recognizer):
    samples = sentences()
    whole = run(recognizer.stream(), samples, [])
    rng = np.random.default_rng(5)
    for sizes in ([160] * 200, [333] * 150, [1] * 50, list(rng.integers(1, 5000, 60))):
        assert run(recognizer.stream(), samples, sizes) == whole
    assert [event for event in whole if isinstance(event, Final)] == recognizer.transcribe(samples)


def test_recognize_takes_one_utterance(recognizer):
    assert recognizer.recognize(tones('buenos días')).text == 'buenos días'
    assert recognizer.recognize(np.zeros(0, np.float32)).text == ''
    assert recognizer.recognize(np.zeros(5, np.float32)).text == ''


def test_partials_come_often_and_keep_their_stable_words(recognizer):
    samples = np.concatenate([silence(0.6), tones('uno dos tres cuatro cinco seis siete ocho'), silence(1.0)])
    events = run(recognizer.stream(), samples, [480] * 400)
    partials = [event for event in events if isinstance(event, Partial)]
    assert partials[-1].text == 'uno dos tres cuatro cinco seis siete ocho'
    assert max(b.end - a.end for a, b in zip(partials, partials[1:])) <= 0.3
    for before, after in zip(partials, partials[1:]):
        assert after.stable_words >= before.stable_words
        assert after.text.split()[:before.stable_words] == before.text.split()[:before.stable_words]
    assert partials[-1].stable_words >= 6


def test_partials_of_long_speech_encode_a_short_window():
    graph = ToneGraph()
    events = SpeechRecognizer('', graph=graph).stream().accept(
        np.concatenate([silence(0.6), tones('la casa es grande y la calle es larga')]))
    assert set(graph.calls) == {'encode_2', 'encode_4'}
    assert events[-1].text.startswith('la casa es grande y la calle es l')


def test_events_are_in_order(recognizer):
    kinds = [type(event) for event in run(recognizer.stream(), sentences(), [])]
    assert kinds[0] is VoiceActivity
    assert kinds[-2:] == [VoiceActivity, Final]
    assert kinds.count(VoiceActivity) == 4


def test_longer_than_the_largest_bucket_is_cut_between_words(recognizer):
    text = 'esta frase es mucho más larga que el modelo y tiene pausas'
    words = [np.concatenate([tones(word), silence(0.3), tones(' ')]) for word in text.split()]
    sound = np.concatenate(words)
    assert len(sound) > 8 * 16000
    final = recognizer.recognize(sound)
    assert final.text == text
    assert all(a.end <= b.start for a, b in zip(final.words, final.words[1:]))


def test_split_at_quiet_finds_the_pause():
    loud = np.full(10000, 0.5, np.float32)
    pieces = split_at_quiet(np.concatenate([loud, np.zeros(3000, np.float32), loud]), 16000)
    assert pieces[0][0] == 0 and 10000 < pieces[0][1] < 13000 and pieces[1] == (pieces[0][1], 23000)


def test_muted_sound_is_time_but_is_not_heard(recognizer):
    stream = recognizer.stream()
    events = stream.accept(silence(0.5)) + stream.accept(tones('hola'), muted=True)
    events += stream.accept(silence(0.5, 1)) + stream.accept(tones('adiós')) + stream.accept(silence(1.0, 2))
    finals = [event for event in events if isinstance(event, Final)]
    assert [final.text for final in finals] == ['adiós']
    assert finals[0].words[0].start == pytest.approx(0.5 + 0.8 + 0.5, abs=0.05)
    assert stream.position == pytest.approx(0.5 + 0.8 + 0.5 + 1.0 + 1.0)


def test_muting_ends_an_open_utterance(recognizer):
    stream = recognizer.stream()
    stream.accept(silence(0.5))
    assert stream.accept(tones('hola amigo'))[0] == VoiceActivity(True, pytest.approx(0.2, abs=0.1))
    events = stream.accept(np.zeros(960, np.float32), muted=True)
    assert isinstance(events[0], VoiceActivity) and not events[0].active


def test_reset_starts_at_zero_again(recognizer):
    stream = recognizer.stream()
    first = run(stream, sentences(), [])
    stream.reset()
    assert run(stream, sentences(), []) == first


def test_a_loud_room_that_is_known_opens_nothing(recognizer):
    noise = np.random.default_rng(0).standard_normal(16000 * 6).astype(np.float32) * 0.03
    stream = recognizer.stream()
    assert stream._endpointer.floors_db.max() < -60
    stream.adjust_for_ambient_noise(noise[:48000])
    assert stream._endpointer.floors_db.min() > -52
    for _ in range(2):  # it stays known
        assert not stream.accept(noise[48000:])
        stream.reset()


def test_context_can_change_while_listening(recognizer):
    stream = recognizer.stream()
    stream.accept(silence(0.5))
    stream.set_context(phrases=['Adiós, amigo'], profile='paused_speech')
    events = stream.accept(np.concatenate([tones('adiós'), silence(2.5), tones(' amigo'), silence(3.5)]))
    assert [e.text for e in events if isinstance(e, Final)] == ['adiós amigo']
    with pytest.raises(ConfigurationError, match='paused_speech'):
        stream.set_context(profile='patient')


def test_a_phrase_is_favoured_across_a_pause_and_pauses_are_not_encoded():
    graph = ToneGraph()
    recognizer = SpeechRecognizer('', graph=graph, phrases=['quiero agua'], profile='paused_speech')
    (final,) = recognizer.transcribe(np.concatenate(
        [silence(0.5), tones('quiero'), silence(2.6, 1), tones('agua'), silence(3.5, 2)]))
    assert final.text == 'quiero agua'
    assert final.words[1].start == pytest.approx(0.5 + 1.2 + 2.6, abs=0.05)
    assert graph.calls[-2:] == ['encode_2', 'encode_2']  # 5 s of utterance, hardly 3 s of speech


def test_an_expected_phrase_is_told_with_its_probability():
    free, = SpeechRecognizer('', graph=ToneGraph()).transcribe(np.concatenate([silence(0.5), tones('hola amiga')]))
    recognizer = SpeechRecognizer('', graph=ToneGraph(phrases={'bias': 9.0}), phrases=['hola amigo', 'adiós'])
    final, = recognizer.transcribe(np.concatenate([silence(0.5), tones('hola amiga')]))
    assert (free.text, final.text) == ('hola amiga', 'hola amigo')
    assert final.candidates[0].text == final.text and final.candidates[0].confidence == final.confidence > 0.5
    assert sum(each.confidence for each in final.candidates) == pytest.approx(1, abs=1e-3)
    assert all(word.confidence >= final.confidence for word in final.words)
    wary = SpeechRecognizer('', graph=ToneGraph(phrases={'bias': -99.0}), phrases=['hola amigo', 'adiós'])
    assert wary.recognize(tones('hola amiga')).text == 'hola amiga'


def test_what_is_not_believed_is_not_told_for_a_phrase():
    strict = SpeechRecognizer('', phrases=['hola amigo', 'sí'], graph=ToneGraph(
        phrases={'bias': 99.0}, guard={'min_confidence': 1.1, 'min_voice': -1000}))
    assert strict.transcribe(sentences()) == []


def test_what_is_not_believed_is_not_told():
    strict = SpeechRecognizer('', graph=ToneGraph(guard={'min_confidence': 1.1, 'min_voice': -1000}))
    assert strict.transcribe(sentences()) == []


def test_wrong_samples_are_refused(recognizer):
    with pytest.raises(AudioError, match='expected float32'):
        recognizer.stream().accept(np.zeros(100, np.int16))
    with pytest.raises(AudioError, match=r'\[n\]'):
        recognizer.recognize(np.zeros((2, 100), np.float32))


def test_not_a_number_is_silence(recognizer):
    samples = sentences()
    samples[100:200] = np.nan
    samples[300] = np.inf
    assert [final.text for final in recognizer.transcribe(samples)] == ['hola amigo', 'sí']


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf, 1e38, -3e38, 1e300])
def test_absurd_samples_are_made_harmless(value):
    from robot_ai.speech.stream import LOUDEST, checked
    samples = checked(np.array([0.25, value, -0.5]))
    assert samples.dtype == np.float32 and samples[[0, 2]].tolist() == [0.25, -0.5] and abs(samples[1]) <= LOUDEST
    assert np.isfinite(np.square(samples)).all()
