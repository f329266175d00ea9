"""Long work in portions, so that whatever else waits for the event loop has its turn between them.

The work is a generator that yields after each portion, and knows nothing of the loop.
"""

import asyncio
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Yields where others may have their turn, and returns what came of it."""

PORTION = 100
"""Items in one turn. Reading the texts of so many workloads takes some 20 ms."""


def portions(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, so many at a time; none is asked for before its portion."""
    source = iter(items)
    while portion := list(islice(source, PORTION)):
        yield portion


def at_once(steps: Steps[T]) -> T:
    """Do it all in one turn."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


async def in_turns(steps: Steps[T]) -> T:
    """Do each portion in a turn of its own."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        await asyncio.sleep(0)
