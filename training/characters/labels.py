r"""The classes of the character model: one LaTeX label each, and how each source's own names map to them.

A label is what goes into a formula; Spanish letters are themselves ('ñ', 'á'). The empty label is "no symbol":
several symbols run together, a scribble, a smudge. Two symbols that differ only in size or place (x, X and
\times; o, O and 0) stay two classes, because the contexts where the scores are used tell them apart; `fold`
joins them for the folded figures.
"""
import string

NOTHING = ''
SPANISH = {  # composed label -> (base letter, mark)
    **{f'{accented}': (base, 'acute') for accented, base in zip('áéíóúÁÉÍÓÚ', 'aeiouAEIOU')},
    'ü': ('u', 'dieresis'), 'Ü': ('U', 'dieresis'), 'ñ': ('n', 'tilde'), 'Ñ': ('N', 'tilde')}

UNIPEN = {  # punctuation; letters and digits are themselves; None: not to be told apart when seen alone
    '<': '\\lt', '>': '\\gt', '{': '\\{', '}': '\\}', '#': '\\#', '$': '\\$', '%': '\\%', '&': '\\&',
    '\\': '\\backslash', "'": '\\prime', '~': '\\sim', '^': '\\wedge', '_': None, '`': None}

MATHNOTE = {
    '<': '\\lt', '>': '\\gt', 'dot': '.', 'slash': '/', 'colon': ':', 'lbrace': '\\{', 'rbrace': '\\}',
    **{f'{letter}_cap': letter for letter in string.ascii_uppercase},
    **{f'{name}_{kind}': f'\\{name}' for name in ('Gamma', 'Delta', 'Theta', 'Lambda', 'Xi', 'Pi', 'Sigma', 'Phi',
                                                  'Psi', 'Omega', 'Upsilon') for kind in ('cap', 'up')}}

DETEXIFY = {'\\textdollar': '\\$', '\\to': '\\rightarrow', '\\ne': '\\neq', '\\le': '\\leq', '\\ge': '\\geq'}

CROHME = tuple(  # the 101 classes of CROHME 2013 and 2014
    r'''! ( ) + , - . / 0 1 2 3 4 5 6 7 8 9 = A B C \Delta E F G H I L M N P R S T V X Y [ \alpha \beta \cos \div
    \exists \forall \gamma \geq \gt \in \infty \int \lambda \ldots \leq \lim \log \lt \mu \neq \phi \pi \pm
    \prime \rightarrow \sigma \sin \sqrt \sum \tan \theta \times \{ \} ] a b c d e f g h i j k l m n o p q r
    s t u v w x y z |'''.split())  # noqa: SIM905 - a list of quoted names would fill a page

DIGITS = tuple(string.digits)
LETTERS = tuple(string.ascii_letters)

FOLDS = (  # written alike when seen alone
    'cC(', 'sS', 'vV', 'wW', ('x', 'X', '\\times'), 'zZ', 'uU', 'pP', 'kK', ('o', 'O', '0'),
    ('1', 'l', 'I', '|', '/', '\\backslash'), ('.', '\\cdot'), (',', '\\prime'), 'yY', 'tT',
    ('\\sum', '\\Sigma'), ('\\Pi', '\\prod'), ('\\in', '\\epsilon'), 'fF', 'mM', 'nN', 'iI', 'jJ')
_FOLDED = {}
for _group in FOLDS:
    for _label in _group:
        _FOLDED.setdefault(_label, _FOLDED.get(_group[0], _group[0]))


def fold(label: str) -> str:
    r"""Return the label that stands for all that look alike: 'X' and '\\times' give 'x'."""
    return _FOLDED.get(label, label)


def to_latex(source: str, label: str) -> str | None:
    """Return our label for a source's; None where it is left out."""
    corpus = source.split('/')[0]
    if corpus == 'unipen':
        return UNIPEN.get(label, label)
    if corpus == 'mathnote':
        mapped = MATHNOTE.get(label, label)
        return f'\\{mapped}' if len(mapped) > 1 and not mapped.startswith('\\') else mapped
    if corpus == 'detexify':
        return DETEXIFY.get(label, label)
    return label
