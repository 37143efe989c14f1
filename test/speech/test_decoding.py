"""Decoding finds the path that was planted, and scores it as summing over every alignment by hand does."""
import itertools
import math
import tracemalloc

import numpy as np
import pytest

from robot_ai.errors import ModelError
from robot_ai.speech.biasing import ContextGraph
from robot_ai.speech.decoding import Decoder, DecodingOptions, Vocabulary, align, ctc_log_likelihood
from robot_ai.speech.language_model import NgramModel

LABELS = ['', ' ', 'a', 'b', 'c', 'l', 's']
PIECES = ['', '▁', '▁ca', 'sa', '▁la', 'a', 's', 'c']
ARPA = """\\data\\
ngram 1=6
ngram 2=4

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-1.2\t</s>
-0.8\tla\t-0.2
-1.5\tcasa\t-0.4
-1.5\tcaza

\\2-grams:
-0.2\t<s> la
-0.1\tla casa
-2.0\tla caza
-0.5\tcasa </s>

\\end\\
"""


def planted(frames, vocabulary=7, peak=0.9):
    """[T, V] log probs with the given label indices as peaks."""
    probs = np.full((len(frames), vocabulary), (1 - peak) / (vocabulary - 1))
    probs[np.arange(len(frames)), frames] = peak
    return np.log(probs).astype(np.float32)


def collapsed(path):
    return tuple(label for label, _ in itertools.groupby(path) if label)


def all_alignments(log_probs):
    """P of every label sequence by enumeration."""
    frames, vocabulary = log_probs.shape
    total = {}
    for path in itertools.product(range(vocabulary), repeat=frames):
        p = math.exp(sum(float(log_probs[t, label]) for t, label in enumerate(path)))
        total[collapsed(path)] = total.get(collapsed(path), 0.0) + p
    return total


@pytest.fixture
def random_log_probs():
    rng = np.random.default_rng(11)
    logits = rng.standard_normal((5, 4)) * 1.5
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)


def test_ctc_likelihood_is_the_sum_over_alignments(random_log_probs):
    truth = all_alignments(random_log_probs)
    sequences = list(truth)
    found = ctc_log_likelihood(random_log_probs, sequences)
    assert np.allclose(np.exp(found), [truth[s] for s in sequences], atol=1e-6)
    assert np.exp(ctc_log_likelihood(random_log_probs, [(1, 1, 1, 1)]))[0] == 0  # needs 7 frames


def test_wide_beam_finds_the_most_probable_text(random_log_probs):
    truth = all_alignments(random_log_probs)
    options = DecodingOptions(beam=200, beam_threshold=99, token_threshold=99)
    decoder = Decoder(['', 'a', 'b', 'c'], options=options)
    ranked = decoder.decode(random_log_probs, finalists=5)
    best = sorted(truth.items(), key=lambda item: -item[1])[:5]
    assert [h.tokens for h in ranked] == [tokens for tokens, _ in best]
    assert np.allclose([math.exp(h.ctc) for h in ranked], [p for _, p in best], atol=1e-6)


def test_beam_sums_where_the_best_path_misleads():
    # Hannun's example: blank wins each frame, yet 'a' in any frame is likelier than nothing at all.
    log_probs = np.log(np.array([[0.6, 0.4], [0.6, 0.4]], np.float32))
    ranked = Decoder(['', 'a']).decode(log_probs)
    assert ranked[0].text == 'a' and ranked[0].ctc == pytest.approx(math.log(0.64))
    assert ranked[1].text == '' and ranked[1].ctc == pytest.approx(math.log(0.36))


def test_repeats_and_spaces():
    frames = [5, 5, 0, 5, 2, 0, 1, 1, 0, 2, 2]  # 'l' 'l' 'a' ' ' 'a'
    assert Decoder(LABELS).decode(planted(frames))[0].text == 'lla a'
    assert Decoder(LABELS).decode(planted([0] * 9))[0].text == ''
    assert Decoder(LABELS).decode(np.zeros((0, 7), np.float32))[0].text == ''


def test_alignment_finds_the_planted_frames():
    frames = [0, 0, 4, 0, 2, 2, 2, 0, 0, 6, 2, 0]
    spans = align(planted(frames), (4, 2, 6, 2))
    assert [(a, b) for a, b, _ in spans] == [(2, 3), (4, 7), (9, 10), (10, 11)]
    assert all(score == pytest.approx(math.log(0.9)) for *_, score in spans)
    assert align(planted([0, 0]), (1, 2, 3)) == []
    assert [(a, b) for a, b, _ in align(planted([2, 2, 0, 2]), (2, 2))] == [(0, 2), (3, 4)]


def test_phrase_bonus_chooses_between_near_readings():
    log_probs = planted([4, 0, 2, 0, 6, 0, 2], peak=0.9)
    log_probs[4, [3, 6]] = np.log([0.5, 0.4])  # 'caba' a little before 'casa'
    decoder = Decoder(LABELS)
    assert decoder.decode(log_probs)[0].text == 'caba'
    assert decoder.favouring(['casa']).decode(log_probs)[0].text == 'casa'
    assert decoder.favouring(['la casa']).decode(log_probs)[0].text == 'caba'  # a fragment gives back
    assert decoder.favouring(['casa', 'cas']).decode(log_probs)[0].text == 'casa'
    assert decoder.decode(log_probs)[0].text == 'caba'  # the first decoder is as it was


def test_phrase_far_from_the_sound_is_not_forced():
    log_probs = planted([4, 0, 2, 0, 6, 0, 2], peak=0.99)
    assert Decoder(LABELS).favouring(['la bala', 'calla']).decode(log_probs)[0].text == 'casa'


def test_context_graph_keeps_whole_phrases_only():
    graph = ContextGraph(['hola', 'hola amigo', 'no'], 1.0)

    def total(text):
        state, bonus = graph.walk(graph.start, text)
        return bonus + graph.finish(state)
    assert total('hola') == pytest.approx(5)  # four letters and the word's end
    assert total('hola amigo') == pytest.approx(11)
    assert total('no hola') == pytest.approx(8)
    for text in ('hol', 'holas', 'nono', 'xno', 'amigo', ''):
        assert total(text) == pytest.approx(0), text


def test_pieces_spell_and_are_spelled():
    vocabulary = Vocabulary(PIECES, '▁')
    assert vocabulary.text([4, 2, 3]) == 'la casa'
    assert vocabulary.encode('la casa') == (4, 2, 3)
    assert vocabulary.encode('asa') == (1, 5, 3)
    assert vocabulary.encode('xyz') is None
    assert Vocabulary(LABELS).encode('la casa') == (5, 2, 1, 4, 2, 6, 2)


def test_phrases_match_whatever_the_pieces():
    frames = [4, 0, 2, 0, 5, 0, 6]
    log_probs = planted(frames, len(PIECES), 0.6)  # 'la caas', heard badly
    assert Decoder(PIECES, '▁').decode(log_probs)[0].text == 'la caas'
    assert Decoder(PIECES, '▁').favouring(['la casa']).expected(log_probs).tokens == (4, 2, 3)


def test_ngram_scores_are_the_files(tmp_path):
    (tmp_path / 'words.arpa').write_text(ARPA, encoding='utf-8')
    read = NgramModel.load(tmp_path / 'words.arpa')
    read.save(tmp_path / 'words.npz')
    for model in (read, NgramModel.load(tmp_path / 'words.npz')):
        ln10 = math.log(10)
        first, state = model.score(model.begin, 'la')
        assert first == pytest.approx(-0.2 * ln10, rel=1e-3)
        assert model.score(state, 'casa')[0] == pytest.approx(-0.1 * ln10, rel=1e-3)
        assert model.score(state, 'la')[0] == pytest.approx((-0.2 - 0.8) * ln10, rel=1e-3)  # by back-off
        assert model.score(state, 'zzz')[0] == pytest.approx((-0.2 - 1.0) * ln10, rel=1e-3)


def test_an_hour_of_new_sound_does_not_fill_the_memory():
    """What is said never ends: the scores kept must not grow with it."""
    units = ['<s>', *'abcdefghij']
    model = NgramModel(6, units, np.zeros(1, np.uint64), np.zeros(1, np.float16), np.zeros(1, np.float16))
    tracemalloc.start()
    for state in itertools.product(range(1, 11), repeat=5):
        model.score(state, 'unknown')
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10_000_000


def test_ngram_chooses_the_likelier_word(tmp_path):
    (tmp_path / 'words.arpa').write_text(ARPA, encoding='utf-8')
    labels = ['', ' ', 'a', 'c', 'l', 's', 'z']
    log_probs = planted([4, 2, 1, 3, 2, 6, 2])
    log_probs[5, [5, 6]] = np.log([0.4, 0.5])  # 'caza' a little before 'casa'
    assert Decoder(labels).decode(log_probs)[0].text == 'la caza'
    decoder = Decoder(labels, options=DecodingOptions(lm_weight=0.5), language_model=NgramModel.load(
        tmp_path / 'words.arpa'))
    assert decoder.decode(log_probs)[0].text == 'la casa'


@pytest.mark.parametrize('name, content', [
    ('a.npz', b'no zip'), ('b.arpa', b''), ('c.arpa', b'\\1-grams:\n-1 a b c d\n')])
def test_bad_language_model_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        NgramModel.load(tmp_path / name)


def test_decoder_scores_are_weighed_in():
    log_probs = planted([4, 0, 2, 0, 6, 0, 2])
    log_probs[4, [3, 6]] = np.log([0.5, 0.4])
    asked = []

    def attention(sequences):
        asked.extend(sequences)
        return [0.0 if 6 in sequence else -9.0 for sequence in sequences]
    decoder = Decoder(LABELS, options=DecodingOptions(attention_weight=0.3))
    best = decoder.decode(log_probs, attention, finalists=4)[0]
    assert best.text == 'casa' and len(asked) == 4
    assert best.score == pytest.approx(0.7 * best.ctc + 0.3 * best.attention)
    assert decoder.decode(log_probs, lambda sequences: None)[0].text == 'caba'
