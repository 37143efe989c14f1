"""JSON payloads survive the round trip, and a malformed one names its field instead of crashing a node."""
import pytest

from robot_ai.errors import PayloadError
from robot_ai.payloads import (
    CharactersDetail,
    RecognitionContext,
    Stamp,
    SymbolCandidate,
    SymbolDetail,
    TranscriptDetail,
    WordDetail,
)


def test_round_trip():
    word = WordDetail('año', 0.25, 0.5, 0.9)
    transcript = TranscriptDetail(Stamp(3, 7), 'año nuevo', 0.5, (word,), duration=1.5)
    assert TranscriptDetail.from_json(transcript.to_json()) == transcript
    seen = CharactersDetail(Stamp(1, 2), r'\pi', items=(SymbolDetail((1, 2, 3, 4), (SymbolCandidate('x', 1.0),)),))
    assert CharactersDetail.from_json(seen.to_json()) == seen


def test_stamp_counts_nanoseconds():
    assert Stamp.from_ns(2_000_000_005) == Stamp(2, 5)
    assert Stamp(2, 5).ns == 2_000_000_005


@pytest.mark.parametrize('text, message', [
    ('', 'not JSON'),
    ('[]', 'expected an object'),
    ('{"stamp": {"sec": 1, "nanosec": 2}}', "'text' is missing"),
    ('{"stamp": {"sec": "1"}, "text": "a"}', 'stamp.sec: expected int'),
    ('{"stamp": {}, "text": "a", "confidence": NaN}', 'finite'),
    ('{"stamp": {}, "text": "a", "words": [{"text": "a"}]}', r'words\[0\]'),
    ('[' * 100_000, 'not JSON'),
    ('x' * 300_000, 'at most'),
])
def test_malformed_names_the_field(text, message):
    with pytest.raises(PayloadError, match=message):
        TranscriptDetail.from_json(text)


def test_unknown_fields_are_ignored():
    assert RecognitionContext.from_json('{"phrases": ["sí"], "new": 1}') == RecognitionContext(('sí',))
