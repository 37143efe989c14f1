"""Spanish text in, the same sounds in Italian spelling out: Italian synthetic voices then speak Spanish.

Good free Spanish voices are few, and Italian has nearly all of Spanish's sounds: Festival's and Pico's Italian voices,
made from recordings of people, give a recogniser further throats to learn from. As in America, z and soft c are s.
"""
import re

from robot_ai.speech.spanish import normalize

FOREIGN = re.compile('j|g[eiéí]|w|k')  # sounds that Italian lacks, and letters of foreign words
RULES = (  # in this order; upper case is what later rules leave alone
    ('h', ''), ('qu(?=[eiéí])', 'CH'), ('gu(?=[eiéí])', 'GH'), ('ü', 'u'),
    ('ñ', 'GN'), ('(?:ll|y)(?=[eiéí])', 'G'), ('(?:ll|y)(?=[aouáóú])', 'GI'), ('y', 'i'),
    ('z|c(?=[eiéí])', 'S'), ('x', 'CS'), ('v', 'b'),
)


def italian_spelling(text: str) -> str:
    """Return a Spanish text for an Italian voice, words apart, in lower case; '' where it has a sound Italian lacks."""
    spoken = normalize(text)
    if not spoken or FOREIGN.search(spoken):
        return ''
    return ' '.join(map(_word, spoken.split()))


def _word(word):
    word = re.sub('ch(?=[aouáóú])', 'CI', word)
    word = re.sub('ch', 'C', word)
    for sound, letters in RULES:
        word = re.sub(sound, letters, word)
    word = word.lower()
    word = re.sub(r'(?<=[aeiouáéíóú])s(?=[aeiouáéíóú])', 'ss', word)  # a single s would be voiced
    for plain, acute, grave in zip('aeiou', 'áéíóú', 'àèìòù'):
        word = re.sub(f'{acute}$', grave, word).replace(acute, plain)  # Italian marks the stress of last vowels alone
    return word
