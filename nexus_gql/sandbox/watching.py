"""Watches: every write goes to all who look, its JSON written once for all of them."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from nexus_gql.sandbox import reading, selectors
from nexus_gql.sandbox.clock import Clock, Handle
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import Refusal
from nexus_gql.sandbox.requests import Listing
from nexus_gql.sandbox.store import Row, Store, Stored

BOOKMARK_EVERY = 60.0
_BOOKMARK_BEFORE_END = 2.0
"""The apiserver sends a last bookmark two seconds before a watch's time is over, so that the next one starts there."""
_LONGEST = 1800
_BACKLOG = 20_000
"""A watcher this far behind is dropped, as the apiserver does; it lists again."""


class Watches:
    """Who watches what. One follower of the store serves them all."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: dict[str, set[_Watcher]] = {}
        store.follow(self._written)

    @property
    def count(self) -> int:
        """How many watches are open."""
        return sum(len(watchers) for watchers in self._watchers.values())

    def _written(self, write: Stored) -> None:
        for watcher in self._watchers.get(write.kind.name, ()):
            watcher.offer(write)

    async def watch(self, kind: Kind, namespace: str | None, asked: Listing) -> AsyncIterator[bytes]:
        """The lines of a watch, several in a piece where several are there; ends when its time is over."""
        store = self._store
        test = reading.selection(kind, asked)
        try:
            backlog, initial = _beginning(store, kind, namespace, asked)
        except Refusal as refusal:
            yield _line("ERROR", json.dumps(refusal.status()).encode())
            return
        watcher = _Watcher(kind, namespace, test, store.version)
        for write in backlog:
            watcher.offer(write)
        timers = _Timers(store.clock, watcher, asked)
        self._watchers.setdefault(kind.name, set()).add(watcher)
        try:
            first = b"".join(_line("ADDED", row.json) for row in initial if test is None or test(row.object))
            if asked.initial and asked.bookmarks:
                first += _bookmark(kind, store.version, ended=True)
            if first:
                yield first
            while not watcher.over:
                await watcher.wait()
                piece = watcher.take(store)
                if piece:
                    yield piece
        finally:
            timers.cancel()
            self._watchers[kind.name].discard(watcher)


def _beginning(store: Store, kind: Kind, namespace: str | None, asked: Listing) -> tuple[list[Stored], list[Row]]:
    """What happened since the version that was named; without one (or with 0) all that is there now."""
    if asked.initial or not asked.version:
        rows = store.rows(kind.name, namespace)
        rows.sort(key=lambda row: (row.object["metadata"].get("namespace", ""), row.object["metadata"]["name"]))
        return [], rows
    return store.since(kind.name, asked.version), []


class _Watcher:
    """One who watches: what waits for it, and whether its time is over."""

    def __init__(self, kind: Kind, namespace: str | None, test: selectors.Test | None, version: int) -> None:
        self.kind = kind
        self.over = False
        self.bookmark = False
        self.version = version
        self._namespace = namespace
        self._test = test
        self._waiting: deque[tuple[str, Row]] = deque()
        self._woken = asyncio.Event()

    def offer(self, write: Stored) -> None:
        """Keep the write where it concerns this watch."""
        if self._namespace is not None and write.object["metadata"].get("namespace") != self._namespace:
            return
        type_ = write.type if self._test is None else _seen(write, self._test)
        if type_ is None:
            return
        self._waiting.append((type_, write.row))
        if len(self._waiting) > _BACKLOG:
            self.over = True
        self._woken.set()

    def end(self) -> None:
        """The watch's time is over."""
        self.over = True
        self._woken.set()

    def mark(self) -> None:
        """Tell where the watch stands."""
        self.bookmark = True
        self._woken.set()

    async def wait(self) -> None:
        """Until there is something to take, or the end."""
        await self._woken.wait()
        self._woken.clear()

    def take(self, store: Store) -> bytes:
        """All that waits, as lines."""
        lines = [line(type_, row) for type_, row in self._waiting]
        self._waiting.clear()
        if self.bookmark:
            self.bookmark = False
            lines.append(_bookmark(self.kind, store.version, ended=False))
        return b"".join(lines)


def _seen(write: Stored, test: selectors.Test) -> str | None:
    """A write as one sees it who looks through a selector: what begins to match is added, what ceases to is deleted."""
    before = write.previous is not None and test(write.previous.object)
    after = write.type != "DELETED" and test(write.object)
    if before and after:
        return "MODIFIED"
    if after:
        return "ADDED"
    return "DELETED" if before else None


class _Timers:
    """The bookmarks and the end of a watch, on the sandbox's clock."""

    def __init__(self, clock: Clock, watcher: _Watcher, asked: Listing) -> None:
        self._clock = clock
        self._handles: list[Handle] = []
        seconds = float(asked.timeout or _LONGEST)
        self._at(seconds, watcher.end)
        if asked.bookmarks:
            self._at(max(seconds - _BOOKMARK_BEFORE_END, seconds / 2), watcher.mark)
            self._every(watcher.mark)

    def _at(self, seconds: float, call: Callable[[], None]) -> None:
        self._handles.append(self._clock.call_at(self._clock.now() + timedelta(seconds=seconds), call))

    def _every(self, call: Callable[[], None]) -> None:
        def again() -> None:
            call()
            self._at(BOOKMARK_EVERY, again)

        self._at(BOOKMARK_EVERY, again)

    def cancel(self) -> None:
        """No more of them."""
        for handle in self._handles:
            handle.cancel()


def line(type_: str, row: Row) -> bytes:
    """A write as a line: made once, whoever watches."""
    found = row.lines.get(type_)
    if found is None:
        found = row.lines[type_] = _line(type_, row.json)
    return found


def _line(type_: str, body: bytes) -> bytes:
    return b'{"type":"' + type_.encode() + b'","object":' + body + b"}\n"


def _bookmark(kind: Kind, version: int, *, ended: bool) -> bytes:
    metadata: dict[str, object] = {"resourceVersion": str(version)}
    if ended:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    body = {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata}
    return _line("BOOKMARK", json.dumps(body).encode())
