"""Other languages' sentences respelt in Spanish letters, as a Spanish ear would write them down.

espeak-ng says how a sentence sounds (its IPA), a table which Spanish letters sound most like it: recordings of many
people in other languages become training data for a Spanish letter CTC (voices, rooms, microphones), with labels that
fit what is heard: the Italian "che cosa" is "que cosa", the French "vous" is "vu".
"""
import re
import shutil
import subprocess
import unicodedata

from robot_ai.errors import ConfigurationError

# Common Voice's codes -> espeak-ng's voices, where they differ; for a language that has none, its nearest relation's.
VOICES = {'en': 'en-us', 'fr': 'fr-fr', 'ga-IE': 'ga', 'sv-SE': 'sv', 'fy-NL': 'nl', 'hsb': 'pl', 'rm-sursilv': 'it',
          'rm-vallader': 'it', 'rw': 'sw', 'vot': 'et'}
TRILLED = ('ca', 'eu', 'pt')  # languages that, like Spanish, tell a trill from a tap between vowels
# IPA -> letters; the longest that fits is taken. K, G, Z, R and L stand for k, g, theta, the trill and the palatal l,
# which are spelt by their neighbours.
SOUNDS = {
    'tʃ': 'ch', 'tɕ': 'ch', 'ʈʂ': 'ch', 'dʒ': 'y', 'dʑ': 'y', 'ts': 'ts', 'kʲ': 'K', 'gʲ': 'G',
    'ã': 'an', 'ẽ': 'en', 'ĩ': 'in', 'õ': 'on', 'ũ': 'un', 'oɪ': 'oi', 'ə-': 'e', 'a': 'a',
    'ɑ': 'a', 'ɐ': 'a', 'æ': 'a', 'ʌ': 'a', 'ä': 'a', 'ə': 'e', 'e': 'e', 'ɛ': 'e', 'ɜ': 'e',
    'ɘ': 'e', 'ɚ': 'er', 'ɝ': 'er', 'ø': 'e', 'œ': 'e', 'i': 'i', 'ɪ': 'i', 'y': 'i', 'ʏ': 'i',
    'ɨ': 'i', 'ᵻ': 'i', 'o': 'o', 'ɔ': 'o', 'ɒ': 'o', 'ɤ': 'o', 'u': 'u', 'ʊ': 'u', 'ʉ': 'u',
    'ɯ': 'u', 'ɵ': 'u', 'j': 'i', 'w': 'u', 'ɥ': 'u', 'p': 'p', 'b': 'b', 't': 't', 'ʈ': 't',
    'd': 'd', 'ɖ': 'd', 'c': 'K', 'k': 'K', 'g': 'G', 'q': 'K', 'ɟ': 'y', 'f': 'f', 'ɸ': 'f',
    'v': 'v', 'ʋ': 'v', 'β': 'b', 'θ': 'Z', 'ð': 'd', 's': 's', 'z': 's', 'ʃ': 'ch', 'ʂ': 's',
    'ɕ': 'ch', 'ʒ': 'y', 'ʐ': 'y', 'ʑ': 'y', 'ç': 'j', 'x': 'j', 'χ': 'j', 'h': 'j', 'ħ': 'j',
    'ɦ': 'j', 'ɣ': 'G', 'ʝ': 'y', 'm': 'm', 'ɱ': 'm', 'n': 'n', 'ɳ': 'n', 'ŋ': 'n', 'ɲ': 'ñ',
    'l': 'l', 'ɫ': 'l', 'ɭ': 'l', 'ʎ': 'L', 'r': 'R', 'ɾ': 'r', 'ɹ': 'r', 'ɻ': 'r', 'ʀ': 'r',
    'ʁ': 'r',
}
LONGEST = max(map(len, SOUNDS))
NASAL = '\u0303'


def respell(text: str, language: str) -> str:
    """Return `text` of `language` (a code of Common Voice's) in Spanish letters; '' where espeak-ng has no such voice.

    Raises ConfigurationError where espeak-ng is not installed.
    """
    if shutil.which('espeak-ng') is None:
        raise ConfigurationError('espeak-ng is not installed: sudo apt install espeak-ng')
    done = subprocess.run(['espeak-ng', '-q', '--ipa', '-v', VOICES.get(language, language), '--', text],
                          capture_output=True, text=True, timeout=60, check=False)
    return spell(done.stdout, language in TRILLED) if done.returncode == 0 else ''


def spell(ipa: str, trilled: bool = False) -> str:
    """Return IPA, words apart, in Spanish letters without accents; signs that the table lacks are left out.

    `trilled`: a single r between vowels is a trill, "rr".
    """
    ipa = re.sub(r'\([\w-]+\)', '', ipa)  # espeak-ng's marks of a change of language
    ipa = re.sub('[\u02c8\u02cc\u02d0]', '', unicodedata.normalize('NFC', ipa).replace('\u0261', 'g'))  # stress, length
    return ' '.join(filter(None, (_by_neighbours(_sounds(word), trilled) for word in ipa.split())))


def _sounds(word):
    found, at = '', 0
    while at < len(word):
        for length in range(LONGEST, 0, -1):
            if word[at:at + length] in SOUNDS:
                found += SOUNDS[word[at:at + length]]
                at += length
                break
        else:  # a nasal vowel is heard as a vowel and an n
            found += 'n' if NASAL in unicodedata.normalize('NFD', word[at]) else ''
            at += 1
    return found


def _by_neighbours(sounds, trilled):
    """Spell K, G, Z, R and L as Spanish does beside what follows and precedes them; doubled letters become one."""
    sounds = re.sub(r'([^R])\1+', r'\1', sounds.replace('nñ', 'ñ')).replace('L', 'll')
    sounds = re.sub(r'K(?=[ei])', 'qu', sounds).replace('K', 'c')
    sounds = re.sub(r'G(?=[ei])', 'gu', sounds).replace('G', 'g')
    sounds = re.sub(r'Z(?=[ei])', 'c', sounds).replace('Z', 'z')
    sounds = re.sub(rf"(?<=[aeiou])R{'+' if trilled else '{2,}'}(?=[aeiou])", 'rr', sounds)
    sounds = re.sub('R+', 'r', sounds)
    sounds = re.sub(r'^i(?=[aeou])|(?<=[aeou])i(?=[aeou])', 'y', sounds)
    return re.sub(r'^u(?=[aeio])', 'hu', re.sub(r'n(?=[pb])', 'm', sounds))
