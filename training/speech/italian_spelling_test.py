"""Italian spelling keeps Spanish sounds, refuses what Italian lacks; its voices speak such text where installed."""
import numpy as np
import pytest

from robot_ai.errors import AudioError
from training.speech import voices
from training.speech.italian_spelling import italian_spelling
from training.speech.prepare import synthesize_italian


@pytest.mark.parametrize(('spanish', 'italian'), [
    ('Quiero una guitarra.', 'chiero una ghitarra'), ('cigüeña', 'siguegna'), ('El niño llora', 'el nigno giora'),
    ('anoche comí churros', 'anoce comì ciurros'), ('hace calor', 'asse calor'), ('música', 'mussica'),
    ('yo voy y tú vas', 'gio boi i tù bas'), ('exterior', 'ecsterior'), ('las diez llaves', 'las dies giabes'),
    ('gato, guapo y pingüino', 'gato guapo i pinguino')])
def test_sounds_stay(spanish, italian):
    assert italian_spelling(spanish) == italian


@pytest.mark.parametrize('text', ['un jarro', 'la gente', 'el kilo', 'girar', '', '...'])
def test_what_an_italian_cannot_say_is_left_out(text):
    assert italian_spelling(text) == ''


def test_three_voices_share_the_texts(monkeypatch):
    asked = []
    monkeypatch.setattr('training.speech.prepare.Pico', lambda voice: lambda text, *_: asked.append((voice, text)) or
                        np.ones(16000, np.float32))
    monkeypatch.setattr('training.speech.prepare.festival', lambda lines, voice: iter(
        [np.full(16000, 0.5, np.float32) if text != 'sol' else np.zeros(0, np.float32) for text, _ in lines]))
    texts = ['una casa', 'jamás', 'mesa', 'luna', 'pan', 'sol', 'mar']
    made = [facts for _, facts in synthesize_italian([('espeak-word', text) for text in texts], 3)]
    assert asked == [('it-IT', 'una cassa'), ('it-IT', 'pan')]
    assert [(facts['speaker'], facts['text']) for facts in made] == [
        ('pico-it', 'una casa'), ('pico-it', 'pan'), ('pc_diphone', 'mesa'),
        ('lp_diphone', 'luna'), ('lp_diphone', 'mar')]
    assert {facts['source'] for facts in made} == {'italian-word'}  # and what Festival failed at is left out


@pytest.mark.skipif(not list(voices.FESTIVAL_VOICES.glob('*/pc_diphone')), reason='festvox-itapc16k is not installed')
def test_festival_speaks():
    short, long = voices.festival([('la cassa es bonita', 0.8), ('la cassa es bonita', 1.3)])
    assert 0.8 * 16000 < len(short) < len(long) < 3 * 16000
    assert np.abs(long).max() > 0.05


def test_without_festival_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(voices.shutil, 'which', lambda _: None)
    with pytest.raises(AudioError, match='apt install festival'):
        next(voices.festival([('ciao', 1.0)]))
