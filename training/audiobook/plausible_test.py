"""What no search by sound alone gets right: scraps, sentences that fit badly, and real omissions that must stay."""
import pytest

from training.audiobook.fragments import Alignment, Fragment, Word
from training.audiobook.plausible import believe
from training.audiobook.traces import NOT_FOUND


def _alignment(*places, extra=(), unread_score=-0.3):
    """Sentences at (begin, end), or not read where None."""
    fragments, last = [], 0.0
    for number, place in enumerate(places):
        begin, end = place or (last, last)
        words = [Word('dos', begin, begin + 0.3), Word('palabras', begin + 0.3, end)] if place else []
        fragments.append(Fragment(f'f{number}', 'dos palabras', begin, end, 0.4 if place else unread_score,
                                  place is not None, words))
        last = end
    return Alignment(fragments, list(extra), 'dtw', 60.0)


def test_a_sentence_that_did_not_score_beside_foreign_speech_as_long_was_read():
    found = believe(_alignment((1, 3), None, (7, 9), extra=[(4.0, 6.1)]), [2, 2, 2])
    middle = found.fragments[1]
    assert middle.read and (middle.begin, middle.end) == (4.0, 6.1) and not found.extra
    assert middle.score < 0  # so that `corpus` drops it unless somebody accepts it
    assert [word.text for word in middle.words] == ['dos', 'palabras']
    assert middle.words[0].begin == 4.0 and middle.words[-1].end == pytest.approx(6.1)


def test_real_omissions_stay():
    found = believe(_alignment((1, 3), None, (7, 9), (12, 14), (20, 22), extra=[(15.0, 19.0)]), [2] * 5)
    assert [fragment.read for fragment in found.fragments] == [True, False, True, True, True]
    assert found.extra == [(15.0, 19.0)]
    another = believe(_alignment((1, 3), None, (7, 9), extra=[(4.0, 6.1)], unread_score=NOT_FOUND), [2, 2, 2])
    assert not another.fragments[1].read and another.extra == [(4.0, 6.1)]
    lengths_differ = believe(_alignment((1, 3), None, (9, 11), extra=[(4.0, 8.0)]), [2, 1, 2])
    assert not lengths_differ.fragments[1].read and lengths_differ.extra == [(4.0, 8.0)]


def test_preamble_and_ending_are_no_sentences():
    found = believe(_alignment(None, (5, 7), None, extra=[(1.0, 3.0), (9.0, 11.0)]), [2, 2, 2])
    assert [fragment.read for fragment in found.fragments] == [False, True, False]
    assert found.extra == [(1.0, 3.0), (9.0, 11.0)]


def test_a_scrap_stuck_to_a_sentence_is_its_part():
    found = believe(_alignment((1, 3), (5, 7), extra=[(3.1, 3.6), (4.3, 4.9)]), [2, 2])
    assert [(f.begin, f.end) for f in found.fragments] == [(1, 3.6), (4.3, 7)]
    assert found.fragments[0].words[-1].end == 3.6 and found.fragments[1].words[0].begin == 4.3
    assert not found.extra


def test_a_sentence_too_short_gets_the_speech_beside_it():
    found = believe(_alignment((1, 3), (6, 7), (9, 11), extra=[(4.5, 5.5)]), [2, 2.2, 2])
    assert found.fragments[1].begin == 4.5 and not found.extra
    whole = believe(_alignment((1, 3), (6, 7), (9, 11), extra=[(4.5, 5.5)]), [2, 1, 2])
    assert whole.extra == [(4.5, 5.5)]


def test_foreign_speech_is_joined_over_its_pauses_and_a_word_of_it_is_not_told():
    found = believe(_alignment((1, 3), (9, 11), (20, 22), extra=[(4.0, 5.0), (5.7, 6.8), (7.8, 8.3), (13.0, 14.0),
                                                                  (15.5, 16.5)]), [2, 2, 2])
    assert found.extra == [(4.0, 6.8), (13.0, 14.0), (15.5, 16.5)]
