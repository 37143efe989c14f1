"""Changes real input at random: bytes, text, JSON values. Each case has a generator of its own, so that it can be had
again by its number alone.
"""
import copy
import json
import random

NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, -2**31, 2**63, -2**63 - 1, 10**30, 10**400, 0.0, -0.0, 1e308, -1e308, 5e-324,
           0.5)
TEXTS = ('', ' ', '\x00', '\ud800', '\u202e', 'a' * 5000, 'ñ', '🤖', '{', '}', '[]', 'null',
         '../../etc/passwd', '%s%n', '\\', '"', "'", '\n', 'NaN', 'ayuda', '\\frac{1}{2}', '0' * 300)
TOKENS = (b'NaN', b'Infinity', b'-Infinity', b'1e999', b'null', b'true', b'{}', b'[]', b'""', b'"\\ud800"',
          b'\x00', b'\xff\xfe', b'9' * 400,
          b'-', b'.', b':', b'\n', b'\t', b'&a [*a, *a]', b'*a', b'!!python/object/apply:os.system [ls]',
          b'!!bool x', b'!!timestamp x', b'2001-99-99', b'? ', b'- ', b'<', b'>', b'&lt;',
          b'<!DOCTYPE x [<!ENTITY a "b">]>',
          b'%', b'\\', b'[' * 2000, b'{"a":' * 1000)
VALUES = (None, True, False, [], {}, [[]], {'': ''})


def sendable(text: str):
    """Check that a text can be published and shown: it is UTF-8, and JSON without NaN."""
    text.encode('utf-8')
    json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(AssertionError(f'{name} in {text[:200]}')))


class Mutator:
    """The random choices of one case."""

    def __init__(self, seed: str):
        self.rng = random.Random(seed)

    def pick(self, options):
        return options[self.rng.randrange(len(options))]

    def chance(self, share) -> bool:
        return self.rng.random() < share

    # -- bytes

    def bytes(self, data: bytes) -> bytes:
        """Return `data` with one to eight changes; now and then cut off or made anew."""
        if self.chance(0.02):
            return self.rng.randbytes(self.rng.randrange(300))
        out = bytearray(data)
        for _ in range(self.pick((1, 1, 1, 2, 3, 8))):
            self._change(out)
        return bytes(out)

    def _change(self, out):
        at = self.rng.randrange(len(out) + 1)
        end = min(len(out), at + self.pick((1, 1, 2, 4, 8, 64, 1000)))
        kind = self.rng.randrange(8)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << self.rng.randrange(8)
        elif kind == 1:
            out[at:end] = self.rng.randbytes(end - at)
        elif kind == 2:
            del out[at:end]
        elif kind == 3:
            out[at:at] = self.pick(TOKENS)
        elif kind == 4:
            out[at:end] = self.pick(TOKENS)
        elif kind == 5:
            out[at:at] = out[at:end] * self.pick((1, 1, 3, 50))
        elif kind == 6:
            del out[at:]
        else:
            out[at:end] = self.pick((0, 1, 255, 2**31 - 1, 2**32 - 1)).to_bytes(4, self.pick(('little', 'big')))

    def text(self, text: str) -> str:
        """Return text changed byte by byte; what is no UTF-8 then is replaced, as the middleware does."""
        return self.bytes(text.encode('utf-8', 'replace')).decode('utf-8', 'replace')

    # -- JSON

    def value(self, value):
        """Return JSON-like `value` with one to four changes that leave it JSON-like."""
        out = [copy.deepcopy(value)]
        for _ in range(self.pick((1, 1, 2, 4))):
            holder, key = self._place(out)
            kind = self.rng.randrange(6)
            if kind == 0 and len(holder) and holder is not out:
                del holder[key]
            elif kind == 1 and isinstance(holder[key], list) and holder[key]:
                holder[key] = holder[key] * self.pick((0, 2, 30))
            elif kind == 2 and isinstance(holder, dict):
                holder[self.pick(TEXTS)] = self.scalar()
            elif kind == 3 and isinstance(holder[key], str):
                holder[key] = self.text(holder[key])
            else:
                holder[key] = self.scalar()
        return out[0]

    def scalar(self):
        """Return some value that nobody expects."""
        return copy.deepcopy(self.pick(self.pick((NUMBERS, TEXTS, VALUES))))

    def _place(self, out):
        holder, key = out, 0
        while isinstance(holder[key], (dict, list)) and holder[key] and self.chance(0.8):
            holder = holder[key]
            key = self.pick(list(holder)) if isinstance(holder, dict) else self.rng.randrange(len(holder))
        return holder, key

    def json(self, value) -> str:
        """Return the JSON of `value`, changed as a value, as text, or both; it may hold NaN or be no JSON at all."""
        if self.chance(0.7):
            value = self.value(value)
        text = json.dumps(value, ensure_ascii=self.chance(0.5), allow_nan=True)
        text = text.encode('utf-8', 'replace').decode()  # on the wire half a character can only be an escape
        return text if self.chance(0.6) else self.text(text)
