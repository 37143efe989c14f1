"""What was read becomes one event, with other candidates where it is a single symbol."""
from robot_ai.dialogue.events import Seen, seen
from robot_ai.payloads import CharactersDetail, Stamp, SymbolCandidate, SymbolDetail


def symbol(*candidates):
    return SymbolDetail((1, 2, 3, 4), tuple(SymbolCandidate(latex, score) for latex, score in candidates))


def test_a_symbol_brings_its_candidates_and_a_formula_does_not():
    one, two = symbol(('8', 0.7), ('B', 0.2)), symbol(('x', 0.9))
    assert seen(CharactersDetail(Stamp(5), '8', 0.7, items=(one,))) == Seen('8', 0.7, (('8', 0.7), ('B', 0.2)))
    assert seen(CharactersDetail(Stamp(5), '8x', 0.6, 'expression', (one, two))) == Seen('8x', 0.6, ())
    assert seen(CharactersDetail(Stamp(5), '')) == Seen('', 1.0, ())
