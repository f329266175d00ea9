"""State feeds: the seam between subjects and whoever sends frames.

A `StateFeed` says three things of a subscription field: which feed it follows, what a snapshot of it is, and what a batch of
changes makes of it. Neither remembers anything of a subscriber, so that equal subscriptions can share each execution.
`follow` is one subscriber's walk through them.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

import strawberry

from nexus_gql.live import Feed, Lapsed

from .context import Context, Rooms
from .scalars import FeedPosition

C = TypeVar("C")
A = TypeVar("A")
F = TypeVar("F")
T = TypeVar("T")

SNAPSHOT_ITEMS = 200
"""Items of one frame of a snapshot; a larger one comes in several."""


@strawberry.enum(
    description="`SNAPSHOT`: everything, in one or more frames of one position (`complete` in the last); forget what you had. "
    "`CHANGES`: what became different since. `STALE`: a source was lost; what was sent still stands, see `sources`."
)
class UpdateKind(Enum):
    SNAPSHOT = "SNAPSHOT"
    CHANGES = "CHANGES"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[F]):
    """A state in frames, and the position in the feed that it is as of."""

    position: int
    frames: Sequence[F]


@dataclass(frozen=True, slots=True)
class Step(Generic[F]):
    """What a batch of changes makes: frames to send, and what comes then.

    `again`: a new snapshot, since the difference cannot be told. `over`: nothing any more, since the scope is gone.
    """

    frames: Sequence[F] = field(default_factory=tuple)
    again: bool = False
    over: bool = False


@dataclass(frozen=True)
class StateFeed(Generic[C, A, F]):
    """A subscription field: its feed, its snapshot, and the step that a batch of changes makes."""

    feed: Callable[[Rooms], Feed[C]]
    snapshot: Callable[[Context, A], Awaitable[Snapshot[F]]]
    change: Callable[[Context, A, Sequence[C], FeedPosition], Awaitable[Step[F]]]


async def follow(subscription: StateFeed[C, A, F], context: Context, arguments: A) -> AsyncGenerator[F, None]:
    """Snapshot, then changes; a reader that was lapped gets a new snapshot."""
    feed = subscription.feed(context.rooms)
    while True:
        snapshot = await subscription.snapshot(context, arguments)
        for frame in snapshot.frames:
            yield frame
        position = snapshot.position
        while True:
            await feed.newer(position)
            changes = feed.since(position)
            if isinstance(changes, Lapsed):
                break
            position += len(changes)
            step = await subscription.change(context, arguments, changes, text_of(feed, position))
            for frame in step.frames:
                yield frame
            if step.over:
                return
            if step.again:
                break


def text_of(feed: Feed[Any], position: int) -> FeedPosition:
    """A position as a client sees it."""
    return FeedPosition(feed.text(position))


def in_frames(items: Sequence[T], frame: Callable[[Sequence[T], bool], F]) -> list[F]:
    """A state in frames of a bounded size; the last one is complete, and there is always one."""
    starts = range(0, max(1, len(items)), SNAPSHOT_ITEMS)
    return [frame(items[start : start + SNAPSHOT_ITEMS], start + SNAPSHOT_ITEMS >= len(items)) for start in starts]
