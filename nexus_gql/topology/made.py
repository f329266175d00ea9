"""What was made of the graph at a moment, kept for whoever goes on from that moment."""

from collections.abc import Callable
from typing import Generic, TypeVar

from .picture import Picture

T = TypeVar("T")

_KEPT = 2
"""That before a change and that after it."""


class LastMade(Generic[T]):
    """The two that were asked for last. Pictures stay as they are, so each is known by being the same object."""

    def __init__(self) -> None:
        self._made: list[tuple[Picture, object, T]] = []

    def of(self, picture: Picture, terms: object, make: Callable[[], T]) -> T:
        """What is made of a picture; `terms`: whatever else it depends on."""
        # Pictures that are merely equal are not looked for: to compare them would take as long as to make one.
        found = next((one for one in self._made if one[0] is picture and one[1] == terms), None)
        if found is None:
            found = picture, terms, make()
        # What was used last goes last: those who lag begin elsewhere, and end where the front goes on.
        self._made = [*(one for one in self._made if one is not found), found][-_KEPT:]
        return found[2]
