"""Expected phrases: scored as by summing over every alignment, ranked, and accepted only where they were heard."""
import numpy as np
import pytest
from test_decoding import LABELS, PIECES, all_alignments, planted, random_log_probs  # noqa: F401

from robot_ai.speech.decoding import Decoder
from robot_ai.speech.phrases import FARTHEST, NEVER, PhraseChooser, PhraseOptions, TokenTree

CASA = [4, 0, 2, 0, 6, 0, 2]  # c-a-s-a
PHRASES = ['casa', 'la casa', 'las balas', 'calla', 'sal']


def chosen(log_probs, phrases, **options):
    return Decoder(LABELS, phrase_options=PhraseOptions(**options)).favouring(phrases).expected(log_probs)


def test_tree_sums_over_all_alignments(random_log_probs):  # noqa: F811
    truth = all_alignments(random_log_probs)
    sequences = sorted(truth, key=lambda s: (len(s) % 3, s))  # in no order that the tree would like
    found = TokenTree(sequences).log_likelihood(random_log_probs)
    assert np.allclose(np.exp(found), [truth[s] for s in sequences], atol=1e-9)
    twice = TokenTree([(1, 2), (), (1, 2), (1, 1, 1, 1)]).log_likelihood(random_log_probs)
    assert twice[0] == twice[2] == pytest.approx(np.log(truth[1, 2])) and twice[1] == pytest.approx(np.log(truth[()]))
    assert twice[3] == NEVER  # needs 7 frames
    assert TokenTree([(1,), ()]).log_likelihood(np.zeros((0, 4))).tolist() == [NEVER, 0.0]


def test_tree_is_the_same_for_any_company():
    rng = np.random.default_rng(3)
    log_probs = np.log(rng.dirichlet(np.full(20, 0.3), 60) + 1e-6)
    sequences = [tuple(rng.integers(1, 20, rng.integers(1, 25))) for _ in range(300)]
    together = TokenTree(sequences).log_likelihood(log_probs)
    alone = [TokenTree([sequence]).log_likelihood(log_probs)[0] for sequence in sequences]
    assert np.allclose(together, alone, rtol=1e-9)


def test_a_phrase_that_was_heard_is_sure():
    said = chosen(planted(CASA), PHRASES)
    assert (said.text, said.tokens) == ('casa', (4, 2, 6, 2)) and said.probability > 0.8
    assert chosen(planted(CASA), ['casa']).probability > 0.8  # alone, too


def test_a_phrase_heard_badly_is_found_and_less_sure():
    log_probs = planted(CASA, peak=0.9)
    log_probs[4, [3, 6]] = np.log([0.8, 0.05])  # 'caba'
    said = chosen(log_probs, PHRASES)
    assert said.text == 'casa' and said.probability < chosen(planted(CASA), PHRASES).probability


def test_a_phrase_that_was_not_said_is_unlikely():
    assert chosen(planted(CASA, peak=0.99), ['las balas', 'sal']).probability < 0.2


def test_ranking_does_not_prefer_short_phrases():
    log_probs = planted([4, 0, 2, 0, 6, 0, 2, 0, 6], peak=0.5)
    assert chosen(log_probs, ['as', 'casas'], token_bonus=0.0, temperature=1.0).text == 'casas'
    log_probs[6:, 0] = np.log(0.95)  # its end hardly heard
    assert chosen(log_probs, ['cas', 'casas'], token_bonus=0.0).text == 'cas'
    assert chosen(log_probs, ['cas', 'casas'], token_bonus=4.0).text == 'casas'


def test_evidence_is_distance_and_lead():
    log_probs = planted(CASA)
    chooser = PhraseChooser(['casa', 'cala', 'x'], [(4, 2, 6, 2), (4, 2, 5, 2), (4,) * 9], PhraseOptions())
    scores = chooser.scores(log_probs)
    assert scores[2] == NEVER and scores.argmax() == 0
    distance, lead = chooser.evidence(log_probs, scores)
    heard = TokenTree([(4, 2, 6, 2)]).log_likelihood(log_probs)[0]
    assert distance == pytest.approx((heard - 7 * np.log(0.9)) / 4, abs=1e-5)
    assert lead == pytest.approx(np.sqrt(scores[0] - scores[1]))
    alone = PhraseChooser(['casa'], [(4, 2, 6, 2)], PhraseOptions())
    assert alone.evidence(log_probs, alone.scores(log_probs))[1] == pytest.approx(np.sqrt(FARTHEST))


def test_what_does_not_fit_is_nothing():
    assert chosen(planted([0, 0]), ['las balas']) is None
    assert chosen(np.zeros((0, 7), np.float32), PHRASES) is None
    assert chosen(planted(CASA), []) is None
    assert chosen(planted(CASA), ['xyz', '  ']) is None  # the labels cannot spell them


def test_phrases_are_spelled_in_pieces():
    log_probs = planted([4, 0, 2, 0, 5, 0, 6], len(PIECES), 0.6)
    said = Decoder(PIECES, '▁').favouring(['la casa', 'casa']).expected(log_probs)
    assert said.text == 'la casa' and said.tokens == (4, 2, 3)


def test_thousands_of_phrases_give_the_same_as_few():
    rng = np.random.default_rng(1)
    many = [''.join(rng.choice(list('abcls'), rng.integers(5, 30))) for _ in range(3000)]
    said = chosen(planted(CASA), [*many, 'casa'])
    assert said.text == 'casa' and said.probability > 0.5
