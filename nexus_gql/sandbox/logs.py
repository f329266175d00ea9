"""The logs of containers that do not run: lines computed from a container's name, its start and the time, kept nowhere.

The n-th line of a run and its instant are functions of n, so that ten thousand pods cost nothing, a tail needs no search, and
the same line reads the same whenever it is asked for.
"""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from nexus_gql.sandbox import lines
from nexus_gql.sandbox.clock import Clock
from nexus_gql.sandbox.container import Past
from nexus_gql.sandbox.kinds import KINDS
from nexus_gql.sandbox.kubelet import Kubelet
from nexus_gql.sandbox.objects import Key, status_of
from nexus_gql.sandbox.refusals import bad_request, not_found
from nexus_gql.sandbox.store import Object, Store

ROTATED = 10 * 1024 * 1024
"""Bytes after which the kubelet begins a new file; only the newest can be read."""
_CHUNK = 64 * 1024
_FLOOD_LINES = 400
_WATCHED = 1.0
"""How often a follower looks whether its container still runs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a log is wanted."""

    follow: bool = False
    tail: int | None = None
    since: float | None = None
    previous: bool = False
    timestamps: bool = False
    limit_bytes: int | None = None


class Logs:
    """Reads logs."""

    def __init__(self, store: Store, clock: Clock, kubelet: Kubelet, seed: int) -> None:
        self._store = store
        self._clock = clock
        self._kubelet = kubelet
        self._seed = seed

    def read(self, namespace: str, pod: str, container: str | None, asked: Asked) -> AsyncIterator[bytes]:
        """The log, or a Refusal at once."""
        found = self._store.get("Pod", namespace, pod)
        if found is None:
            raise not_found(KINDS["Pod"], pod)
        spec = _container(found, container)
        run = self._run(found, spec, previous=asked.previous)
        if run is None:
            return _nothing()
        journal = lines.Journal(found["metadata"]["uid"], spec, run, self._seed)
        return self._stream((namespace, pod), spec["name"], journal, asked)

    def _run(self, pod: Object, spec: Object, *, previous: bool) -> Past | None:
        key, name = (pod["metadata"]["namespace"], pod["metadata"]["name"]), spec["name"]
        runs = self._kubelet.past(key, name) or []
        if previous:
            before = runs[:-1] if runs and runs[-1].ended is None else runs
            if not before or (runs[-1].ended is not None and len(runs) < 2 and not _restarts(pod, name)):
                raise bad_request(
                    f'previous terminated container "{name}" in pod "{pod["metadata"]["name"]}" not found'
                )
            return before[-1]
        if runs:
            return runs[-1]
        if not pod["spec"].get("nodeName"):
            return None
        raise bad_request(
            f'container "{name}" in pod "{pod["metadata"]["name"]}" is waiting to start: {_reason(pod, name)}'
        )

    async def _stream(self, key: Key, name: str, journal: lines.Journal, asked: Asked) -> AsyncIterator[bytes]:
        left = asked.limit_bytes
        now = self._clock.now().timestamp()
        number = journal.first(now, asked)
        while True:
            run = self._present(key, name, journal.run)
            journal = journal.of(run)
            now = self._clock.now().timestamp()
            until = journal.count(now)
            for chunk in _written_between(journal, number, until, timestamps=asked.timestamps):
                if left is not None and len(chunk) >= left:
                    yield chunk[:left]
                    return
                left = None if left is None else left - len(chunk)
                yield chunk
            number = max(number, until)
            if not asked.follow or run.ended is not None:
                return
            await self._clock.sleep(min(max(journal.instant(number) - now, 0.001), _WATCHED))

    def _present(self, key: Key, name: str, run: Past) -> Past:
        """The run as it is now; one that nobody knows any more has ended."""
        for item in self._kubelet.past(key, name) or ():
            if item.number == run.number:
                return item
        return Past(run.number, run.began, run.ended or self._clock.now().timestamp(), run.code, run.reason)


def _written_between(journal: lines.Journal, first: int, until: int, *, timestamps: bool) -> Iterator[bytes]:
    """Lines as they are sent. The greater part of a flood is written in another way, which is a hundred times as fast."""
    if not journal.floods:
        yield from _chunks(journal, first, until, timestamps=timestamps)
        return
    fast = journal.regular
    begin, end = max(first, fast.start), min(until, fast.stop)
    yield from _chunks(journal, first, min(until, begin), timestamps=timestamps)
    for number in range(begin, end, _FLOOD_LINES):
        yield _flood(journal, number, min(number + _FLOOD_LINES, end), timestamps=timestamps)
    yield from _chunks(journal, max(first, end), until, timestamps=timestamps)


def _flood(journal: lines.Journal, first: int, until: int, *, timestamps: bool) -> bytes:
    if not timestamps:
        return "".join([f"{text}\n" for _, text in journal.flood(first, until)]).encode()
    second, stamp, parts = -1, "", []
    for instant, text in journal.flood(first, until):
        whole, nanoseconds = divmod(instant, 1_000_000_000)
        if whole != second:
            second, stamp = whole, f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}"
        parts.append(f"{stamp}.{nanoseconds:09d}Z {text}\n")
    return "".join(parts).encode()


def _chunks(journal: lines.Journal, first: int, until: int, *, timestamps: bool) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for number in range(first, until):
        line = journal.line(number)
        if timestamps:
            line = f"{_written(journal.instant(number), number)} {line}"
        parts.append(f"{line}\n".encode())
        size += len(parts[-1])
        if size >= _CHUNK:
            yield b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


async def _nothing() -> AsyncIterator[bytes]:
    """An empty log."""
    nothing: tuple[bytes, ...] = ()
    for chunk in nothing:
        yield chunk


def _container(pod: Object, wanted: str | None) -> Object:
    spec, name = pod["spec"], pod["metadata"]["name"]
    known = [*(spec.get("initContainers") or ()), *spec["containers"]]
    if wanted is None and len(known) == 1:
        found: Object = known[0]
        return found
    if wanted is None:
        names = [item["name"] for item in spec["containers"]]
        inits = [item["name"] for item in spec.get("initContainers") or ()]
        also = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]{also}"
        )
    named: Object | None = next((item for item in known if item["name"] == wanted), None)
    if named is not None:
        return named
    raise bad_request(f"container {wanted} is not valid for pod {name}")


def _reason(pod: Object, name: str) -> str:
    statuses = [*status_of(pod).get("initContainerStatuses", ()), *status_of(pod).get("containerStatuses", ())]
    state: Object = next((item["state"] for item in statuses if item["name"] == name), {})
    reason: str = (state.get("waiting") or {}).get("reason", "ContainerCreating")
    words = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    return words.get(reason, reason)


def _restarts(pod: Object, name: str) -> bool:
    return any(item["name"] == name and item["restartCount"] for item in status_of(pod).get("containerStatuses", ()))


def _written(instant: float, number: int) -> str:
    """RFC 3339 with nanoseconds: what a float does not hold, the line's number fills in."""
    whole = int(instant)
    nanoseconds = int((instant - whole) * 1e6) * 1000 + random.Random(number).randrange(1000)  # noqa: S311 - a look, no secret
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
