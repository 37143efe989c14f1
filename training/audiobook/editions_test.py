"""A whole generated book read from another edition than the text: what both have is found, what one has is told."""
import numpy as np
import pytest
import soundfile

from robot_ai.errors import ConfigurationError
from training.audiobook import align
from training.audiobook.command import main
from training.audiobook.espeak import speak
from training.audiobook.files import read_book, read_json
from training.speech.texts import sentences

READ = 60  # sentences, in two recordings


def _other_edition(texts, generator):
    """Return the text of another edition, and for each of its sentences the number read, or None."""
    found, numbers = ['Prólogo del editor, que nadie ha leído en voz alta.'], [None]
    for number, text in enumerate(texts):
        chance = generator.random()
        words = text.split()
        if chance < 0.06:  # lacks it
            continue
        if chance < 0.12:  # has another before it
            found.append('El traductor advierte aquí de una errata de la primera impresión.')
            numbers.append(None)
        elif chance < 0.3 and len(words) > 4:  # words it otherwise
            place = int(generator.integers(1, len(words) - 1))
            text = ' '.join([*words[:place], 'entonces', *words[place + int(generator.integers(2)):]])
        found.append(text)
        numbers.append(number)
    return found, numbers


@pytest.mark.long
def test_a_book_is_aligned_with_the_text_of_another_edition(tmp_path):
    generator = np.random.default_rng(8)
    texts = list(dict.fromkeys(sentences(5, 4 * READ)))[:READ]
    book, truth = tmp_path / 'libro', {}
    for name in ('recordings', 'text'):
        (book / name).mkdir(parents=True)
    for part in range(2):
        parts, position = [np.zeros(8000)], 8000
        for number in range(part * READ // 2, (part + 1) * READ // 2):
            try:
                samples = 0.5 * speak(texts[number], 'es+m7', 155).samples
            except ConfigurationError as error:
                pytest.skip(str(error))
            truth[number] = part, position / 16000, (position + len(samples)) / 16000
            parts += [samples, np.zeros(int(generator.uniform(0.3, 0.9) * 16000))]
            position += len(samples) + len(parts[-1])
        whole = np.concatenate(parts)
        noisy = whole + 1e-3 * generator.standard_normal(len(whole))
        soundfile.write(book / 'recordings' / f'{part}.flac', noisy, 16000)
    edition, numbers = _other_edition(texts, generator)
    (book / 'text' / 'libro.txt').write_text('\n\n'.join(edition), encoding='utf-8')
    assert main(['prepare', str(book)]) == 0
    assert main(['align', str(book)]) == 0
    opened, near, wanted, invented = read_book(book), 0, 0, 0
    found = {}
    for part in range(2):
        cut = read_json(opened.path('cuts', str(part)))
        for index, fragment in enumerate(align.load(opened, str(part)).fragments):
            found[cut['first_sentence'] + index] = part, fragment, cut['begin']
    for index, number in enumerate(numbers):
        part, fragment, offset = found.get(index, (None, None, 0.0))
        if number is None:
            invented += fragment is not None and fragment.read
            continue
        wanted += 1
        if fragment is not None and fragment.read and part == truth[number][0]:
            near += max(abs(fragment.begin + offset - truth[number][1]),
                        abs(fragment.end + offset - truth[number][2])) < 0.25
    assert near >= 0.9 * wanted  # sentences with both borders right, those with other words too
    assert invented <= 1
