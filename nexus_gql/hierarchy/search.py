"""How well a text that somebody types fits a name, a display name or a path."""

import re
from enum import IntEnum

_WORD = re.compile(r"[^\W_]+")


class Fit(IntEnum):
    """How a text is found in another, best first."""

    EXACT = 0
    PREFIX = 1
    WORD = 2
    SUBSTRING = 3


def fit(text: str, found_in: str) -> Fit | None:
    """How a text is found in another, both casefolded; None where it is not. WORD: a word of it begins with the text."""
    if text not in found_in:
        return None
    if text == found_in:
        return Fit.EXACT
    if found_in.startswith(text):
        return Fit.PREFIX
    starts = {word.start() for word in _WORD.finditer(found_in)}
    return Fit.WORD if any(found_in.startswith(text, start) for start in starts) else Fit.SUBSTRING


def best_fit(text: str, name: str, display_name: str, path: str) -> tuple[Fit, int] | None:
    """The best fit of a casefolded text, and which of the three it is in; None where it is in none. Less is better.

    A path begins with the names of all that it is in: a text without a slash is not a prefix of it in anybody's mind, or all of a
    project would be found before what has the text in its own name.
    """
    found = [
        (how, place)
        for place, where in enumerate((name, display_name.casefold(), path))
        if (how := fit(text, where)) is not None
    ]
    return min((_in_a_path(text, one) if one[1] == _PATH else one for one in found), default=None)


_PATH = 2


def _in_a_path(text: str, found: tuple[Fit, int]) -> tuple[Fit, int]:
    how, place = found
    return (Fit.WORD, place) if how is Fit.PREFIX and "/" not in text else found
