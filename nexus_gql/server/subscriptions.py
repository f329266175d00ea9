"""How many subscriptions are open in this process."""

from collections.abc import Iterator
from contextlib import contextmanager


class Subscriptions:
    """A counter that the application makes: the server counts with it, ServerInfo and /metrics read it."""

    def __init__(self) -> None:
        self._open = 0

    @property
    def open(self) -> int:
        """How many are open now."""
        return self._open

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts one for as long as it lasts."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
