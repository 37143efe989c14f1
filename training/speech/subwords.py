"""A vocabulary of subwords, learnt from the training caches' texts by SentencePiece; spelled as the recogniser spells.

More and longer labels than letters (`data.subwords: 300` in a config): fewer to say in a text, each rarer to hear in
training. SentencePiece (pip install sentencepiece) only chooses the pieces; a text's pieces are those of
robot_ai.speech.decoding.Vocabulary, as few as possible, so that trainer and robot spell alike.
"""
import io
from collections.abc import Iterable

from robot_ai.errors import ConfigurationError
from robot_ai.speech.decoding import Vocabulary
from training.speech.model import LETTERS, WORD_BOUNDARY, Characters


class Subwords:
    """Vocabulary of pieces: index 0 is the blank; a piece that begins a word begins with the word boundary."""

    def __init__(self, labels: Iterable[str]):
        """Take the labels, blank first."""
        self.labels = tuple(labels)
        self._vocabulary = Vocabulary(self.labels, WORD_BOUNDARY)

    def __len__(self):
        return len(self.labels)

    def encode(self, text: str) -> list[int]:
        """Return the indices of a normalised text; ValueError where it cannot be spelled."""
        if not text:
            return []
        tokens = self._vocabulary.encode(text)
        if tokens is None:
            raise ValueError(f'{text!r} cannot be spelled in these subwords; normalise the text first')
        return list(tokens)

    def decode(self, indices: Iterable[int]) -> str:
        """Return the text of label indices."""
        return self._vocabulary.text(indices)


def learn(texts: Iterable[str], size: int) -> Subwords:
    """Return `size` labels for these normalised texts: the blank, the boundary, every letter, and frequent pieces."""
    try:
        import sentencepiece
    except ImportError:
        raise ConfigurationError('data.subwords needs SentencePiece: pip install sentencepiece') from None
    if size <= len(Characters.labels):
        raise ConfigurationError(f'data.subwords {size}: expected more than the {len(Characters.labels)} labels that '
                                 'letters take')
    held = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([*texts, LETTERS]), model_writer=held, model_type='bpe', vocab_size=size,
            hard_vocab_limit=False, character_coverage=1.0, num_threads=1, minloglevel=2, bos_id=-1, eos_id=-1,
            normalization_rule_name='identity')
    except RuntimeError as error:
        raise ConfigurationError(f'data.subwords {size}: SentencePiece cannot make so many of these texts: '
                                 f'{str(error).splitlines()[-1]}') from None
    model = sentencepiece.SentencePieceProcessor(model_proto=held.getvalue())
    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size()) if not model.is_unknown(i)]
    return Subwords(dict.fromkeys([*Characters.labels, *pieces][:max(size, len(Characters.labels))]))


def vocabulary_of(labels: Iterable[str] | None):
    """Return the vocabulary that has these labels; letters where there are none."""
    return Characters() if labels is None or tuple(labels) == Characters.labels else Subwords(labels)
