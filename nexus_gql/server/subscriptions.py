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

    def opened(self) -> None:
        """One more."""
        self._open += 1

    def closed(self) -> None:
        """One less."""
        self._open -= 1

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts one for as long as it lasts."""
        self.opened()
        try:
            yield
        finally:
            self.closed()
