"""Feeds: the seam between subjects and whoever sends frames.

A `StateFeed` says three things of a subscription field: which feed it follows, what a snapshot of it is, and what a batch of
changes makes of it. Neither remembers anything of a subscriber, so that equal subscriptions share each execution. A resolver
answers with a `Following`, which is those three for its arguments; the server then decides who shares what.

An ordered feed (logs, events) leaves nothing out in silence. Its resolver answers with an `Ordered`: a `Front`, whose frames are for
all, and for each cursor that somebody comes with an `Arrival`, which ends where it meets the front.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

import strawberry

from nexus_gql.live import Feed, Lapsed

from .context import Context, Rooms
from .scalars import FeedPosition

C = TypeVar("C")
A = TypeVar("A")
F = TypeVar("F")
F_co = TypeVar("F_co", covariant=True)
T = TypeVar("T")

SNAPSHOT_ITEMS = 100
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
    """A state in frames, and the position in the feed that it is as of. A frame may be made when it is asked for.

    `over`: nothing comes after it.
    """

    position: int
    frames: Iterable[F]
    over: bool = False


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


@dataclass(frozen=True)
class Following:
    """A state feed with its arguments, and in whose sight. Whoever iterates it walks alone."""

    feed: Feed[Any]
    snapshot: Callable[[], Awaitable[Snapshot[Any]]]
    change: Callable[[Sequence[Any], int], Awaitable[Step[Any]]]
    "of changes, and the position of the last"

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Snapshot, then changes; a reader that was lapped gets a new snapshot."""
        while True:
            snapshot = await self.snapshot()
            for frame in snapshot.frames:
                yield frame
            position = snapshot.position
            if snapshot.over:
                return
            while True:
                await self.feed.newer(position)
                changes = self.feed.since(position)
                if isinstance(changes, Lapsed):
                    break
                position += len(changes)
                step = await self.change(changes, position)
                for frame in step.frames:
                    yield frame
                if step.over:
                    return
                if step.again:
                    break


class Mark(Protocol):
    """What of an ordered feed has been sent up to a frame."""

    @property
    def number(self) -> int:
        """How many frames of the front."""


M = TypeVar("M", bound=Mark)
M_co = TypeVar("M_co", bound=Mark, covariant=True)


class Arrival(Protocol[M_co, F_co]):
    """What those get who come after one cursor. Each frame has a `cursor`, after which another arrival can go on."""

    @property
    def mark(self) -> M_co:
        """Where it met the front, once its frames are over."""

    def frames(self) -> AsyncGenerator[F_co, None]:
        """From where the reader left off, or as its arguments say, up to the front. Closed where it is left before."""


class Front(Protocol[M, F_co]):
    """What many readers get. It moves while its frames are asked for."""

    @property
    def mark(self) -> M:
        """Where it stands."""

    def frames(self) -> AsyncGenerator[tuple[M, F_co], None]:
        """Frames without end, each with what has been sent then."""

    def arrival(self, after: str | None) -> Arrival[M, F_co]:
        """For one who comes, or comes again after a cursor."""

    def left_out(self, start: M, end: M) -> F_co:
        """What is told to a reader who has the frames up to one mark, and gets those after another."""


@dataclass(frozen=True)
class Ordered(Generic[M, F]):
    """An ordered feed with its arguments, and in whose sight. Whoever iterates it walks alone.

    `after`: its reader's cursor. `alike`: the other arguments, equal for those whom one front serves.
    """

    front: Callable[[], Front[M, F]]
    after: str | None
    alike: object
    alone: Callable[[], AsyncGenerator[F, None]]

    def __aiter__(self) -> AsyncIterator[F]:
        return self.alone()


def following(subscription: StateFeed[C, A, F], context: Context, arguments: A) -> Following:
    """What a subscription's resolver answers with."""
    feed = subscription.feed(context.rooms)

    async def snapshot() -> Snapshot[F]:
        await context.rooms.hierarchy.current()
        return await subscription.snapshot(context, arguments)

    async def change(changes: Sequence[C], position: int) -> Step[F]:
        return await subscription.change(context, arguments, changes, text_of(feed, position))

    return Following(feed, snapshot, change)


def text_of(feed: Feed[Any], position: int) -> FeedPosition:
    """A position as a client sees it."""
    return FeedPosition(feed.text(position))


def in_frames(items: Sequence[T], frame: Callable[[Sequence[T], bool], F]) -> list[F]:
    """A state in frames of a bounded size; the last one is complete, and there is always one."""
    return list(one_by_one(items, frame))


def one_by_one(items: Sequence[T], frame: Callable[[Sequence[T], bool], F]) -> Iterator[F]:
    """The same for thousands of items: a frame is made when it is asked for, so `frame` must not look at what may have moved on."""
    for start in range(0, max(1, len(items)), SNAPSHOT_ITEMS):
        end = start + SNAPSHOT_ITEMS
        yield frame(items[start:end], end >= len(items))
