"""Words of no language: names from syllables, and text of any length from a small vocabulary."""

from __future__ import annotations

import numpy as np

from headgate.simulation.draws import Draws

_HEADS = ("ba", "ko", "li", "mar", "ne", "pol", "ri", "sa", "tu", "ve", "wen", "zo", "dra", "fi",
          "gel", "ha")  # fmt: skip
_TAILS = ("ran", "mi", "lo", "tesk", "ba", "nor", "vi", "du", "shel", "ka", "rit", "po", "um",
          "ge", "las", "on")  # fmt: skip
_VOCABULARY = (
    *("the", "a", "it", "is", "not", "so", "then", "when", "why", "how", "does", "this", "that"),
    *("kernel", "printer", "screen", "router", "package", "driver", "window", "menu", "disk"),
    *("works", "fails", "hangs", "starts", "stops", "loads", "again", "now", "today", "never"),
    *("try", "look", "restart", "install", "remove", "mount", "open", "save", "ask", "read"),
    *("thanks", "hello", "yes", "no", "maybe", "sorry", "please", "well", "hm", "ok", "right"),
    *("für", "naïve", "größer", "señor", "déjà", "łódka", "привет", "σήμα", "日本", "한글", "—"),
    *("https://example.org/help", "<tag>", "a&b", "it's", "50%", "C++", "#general", "~/.config"),
)
_ENDS = "....?!.)"
#: One code point each, as a JSON writer escapes them.
ESCAPES = ('\\"', "\\\\", "\\n", "\\t", "\\uD83D\\uDE02", "\\uD83D\\uDC4D", "\\uD83C\\uDF89")
_POOL = 1 << 17


class Babble:
    """Text without a meaning, any number of code points long. None of it needs a JSON escape."""

    def __init__(self, seed: int) -> None:
        draws = Draws(seed, "babble")
        chosen = [_VOCABULARY[i] for i in draws.below(_POOL // 4, len(_VOCABULARY)).tolist()]
        text = " ".join(chosen)
        self.text = text[:_POOL]
        lengths = np.array([len(word) + 1 for word in chosen])
        starts = np.cumsum(lengths) - lengths
        self.starts = starts[starts < _POOL - 8192]

    def of(self, start: int, length: int) -> str:
        """``length`` code points from the place ``start``, which is one of :attr:`starts`."""
        if length < 2:
            return self.text[start : start + length]
        return self.text[start : start + length - 1] + _ENDS[(start + length) % 8]


def name(number: int) -> str:
    """A short name for a random number; the digits at its end keep most of them apart."""
    parts = _HEADS[number & 15] + _TAILS[number >> 4 & 15]
    if number >> 8 & 1:
        parts += _TAILS[number >> 9 & 15]
    return f"{parts}{number >> 13 & 0xFFF}" if number >> 25 & 3 else parts


def title(number: int) -> str:
    """Two words as a title is written."""
    return f"{name(number & 0x1FFF).capitalize()} {name(number >> 13 & 0x1FFF)}"
