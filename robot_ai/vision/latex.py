r"""LaTeX strings: tokens in, a balanced and compilable formula out.

The recogniser's labels are CROHME's, of which a few are no LaTeX of their own ('\lt', '\gt', bare accents);
`compilable` writes them as any LaTeX with amsmath reads them.
"""
import re

TOKEN = re.compile(r'\\(?:begin|end)\{[a-z]+\}|\\[a-zA-Z]+|\\.|[^\s]', re.DOTALL)
_SPELLED = {'\\lt': '<', '\\gt': '>', 'ñ': '\\tilde{n}', 'Ñ': '\\tilde{N}', 'ü': '\\ddot{u}', 'Ü': '\\ddot{U}',
            **{accented: f'\\acute{{{base}}}' for accented, base in zip('áéíóúÁÉÍÓÚ', 'aeiouAEIOU')},
            '"': "{''}", '$': '\\$', '#': '\\#', '%': '\\%', '\\$': '\\$'}
_ESCAPES = {'\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}',
            **{c: f'\\{c}' for c in '{}_$%&#'}}
def tokens(latex: str) -> list[str]:
    """Return the tokens of LaTeX: commands, single characters."""
    return TOKEN.findall(latex)


def is_balanced(latex: str) -> bool:
    """Tell whether every brace closes and every script and command with arguments has them."""
    depth = 0
    for token in tokens(latex):
        depth += (token == '{') - (token == '}')
        if depth < 0:
            return False
    return depth == 0


def compilable(latex: str) -> str:
    """Return recognised LaTeX as a formula that LaTeX with amsmath compiles."""
    found = tokens(latex)
    # A root's sign alone, as one symbol is read, lacks its argument.
    return ' '.join('\\sqrt { }' if token == '\\sqrt' and after not in ('{', '[') else _SPELLED.get(token, token)
                    for token, after in zip(found, [*found[1:], '']))


def escape_text(text: str) -> str:
    """Return plain text for LaTeX's text mode."""
    return ''.join(_ESCAPES.get(c, c) for c in text)
