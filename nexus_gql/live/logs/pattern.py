"""Which lines a reader wants: RE2, which takes time in proportion to the text, whatever the pattern."""

from dataclasses import dataclass
from typing import Any

_LENGTH_LIMIT = 1000


class UnusablePattern(ValueError):
    """The message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lines that match, or with `invert` those that do not."""

    compiled: Any
    invert: bool

    @classmethod
    def of(cls, text: str | None, *, invert: bool) -> "Pattern | None":
        """The pattern that a text spells; None where nothing is asked for."""
        if text is None:
            return None
        if len(text) > _LENGTH_LIMIT:
            raise UnusablePattern(f"A pattern has at most {_LENGTH_LIMIT} characters.")
        import re2

        options = re2.Options()
        options.log_errors = False
        options.max_mem = 8 << 20
        try:
            return cls(re2.compile(text, options), invert)
        except re2.error as error:
            raise UnusablePattern(f"This is no pattern in RE2 syntax: {_words(error)}") from error

    def wants(self, text: str) -> bool:
        """Whether a line is wanted."""
        return (self.compiled.search(text) is None) is self.invert


def _words(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
