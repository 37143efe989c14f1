"""A book's paragraphs in, its sentences out: NLTK's Punkt, trained on the book itself.

Punkt learns from the text alone which words end in a full stop without ending a sentence; the Spanish
abbreviations that a book may hold only once are given to it.
"""
import re

from nltk.tokenize.punkt import PunktLanguageVars, PunktSentenceTokenizer, PunktTrainer

MAX_CHARACTERS = 220  # about 16 s of reading, the longest that the speech model takes
ABBREVIATIONS = """
sr sra srta sres dr dra d dª d.ª ud uds vd vds vm v.m s.m s.a st sto sta p.ej etc núm núms pág págs cap caps vol
vols art arts ed eds fig figs prof profa lic ing arq gral cnel tte gob excmo excma ilmo ilma avda av c pl ctra dcha
izda tel telf a.c d.c ee.uu ff.cc ss.mm aa.vv n.º n.ª 1.º 1.ª 2.º 2.ª 3.º rev mons fr hno hna sic cf cfr op id ibíd
vid vs
"""
BEFORE_NAMES = re.compile(  # never the end of a sentence, whatever Punkt makes of the capital that follows
    r'(?:^|[\s(¿¡«"—-])(?:sr|sra|srta|sres|dr|dra|d|dª|d\.ª|prof|profa|gral|cnel|tte|excmo|excma|ilmo|ilma|mons|fr)\.$',
    re.IGNORECASE)
CLAUSE_ENDS = re.compile(r'(?<=[;:])\s+|(?<=,)\s+|\s+(?=[—–(])')


class _SpanishVariables(PunktLanguageVars):
    """A sentence may be opened by ¿, ¡, a dash or a quotation mark."""

    re_boundary_realignment = re.compile(r'["”»\')\]}]+?(?:\s+|(?=--)|$)', re.MULTILINE)


class Segmenter:
    """Splits paragraphs of the book that it was made from."""

    def __init__(self, paragraphs: list[str]):
        """Learn the abbreviations of these paragraphs."""
        trainer = PunktTrainer(lang_vars=_SpanishVariables())
        trainer.INCLUDE_ALL_COLLOCS = True
        trainer.train('\n\n'.join(paragraphs), finalize=True)
        parameters = trainer.get_params()
        parameters.abbrev_types |= set(ABBREVIATIONS.split())
        self._tokenizer = PunktSentenceTokenizer(parameters, lang_vars=_SpanishVariables())

    def sentences(self, paragraph: str, max_characters: int = MAX_CHARACTERS) -> list[str]:
        """Return the paragraph's sentences; one longer than `max_characters` is cut between clauses.

        Joined by spaces they are the paragraph again (its white space made single).
        """
        text = ' '.join(paragraph.split())
        found = []
        for sentence in self._tokenizer.tokenize(text) if text else ():
            if found and BEFORE_NAMES.search(found[-1]):
                found[-1] += ' ' + sentence
            else:
                found.append(sentence)
        return [piece for sentence in found for piece in _cut(sentence, max_characters)]


def _cut(sentence, longest):
    if len(sentence) <= longest:
        return [sentence]
    clauses = CLAUSE_ENDS.split(sentence)
    pieces = [clauses[0]]
    target = len(sentence) / -(-len(sentence) // longest)  # equal pieces rather than a long one and a rest
    for clause in clauses[1:]:
        if len(pieces[-1]) + 1 + len(clause) > longest or len(pieces[-1]) >= target:
            pieces.append(clause)
        else:
            pieces[-1] += ' ' + clause
    return pieces


def segment(paragraphs: list[str], max_characters: int = MAX_CHARACTERS) -> list[str]:
    """Return the sentences of a book's paragraphs, in order."""
    segmenter = Segmenter(paragraphs)
    return [sentence for paragraph in paragraphs for sentence in segmenter.sentences(paragraph, max_characters)]
