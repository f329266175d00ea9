"""Sandboxes: simulated clusters on loopback, each a process that this one starts, and that ends with it.

Each has a folder below the data folder: what it holds, how it is reached, and a lock. Whoever starts the process takes the lock
and passes it on, so that it is held exactly as long as the process lives: of several servers with one data folder the first
starts it, the others use it, and when it is gone the next one that asks starts it again, with all that it held.
"""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import structlog

from nexus_gql.backoff import Backoff

from .errors import Unreachable

log = structlog.get_logger(__name__)

_START_LIMIT = 25.0
"""Seconds until a sandbox answers: a second here, more where ten thousand pods are read or the machine is busy."""
_END_LIMIT = 10.0
_LOOK = 0.02
"""How often is looked whether it answers."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one sandbox keeps what."""

    folder: Path

    @property
    def state(self) -> Path:
        """How it is reached: there while it answers."""
        return self.folder / "state.json"

    @property
    def complaints(self) -> Path:
        """What it said on standard error."""
        return self.folder / "errors.log"

    def reached(self) -> dict[str, Any] | None:
        """What its state file says."""
        try:
            found: dict[str, Any] = json.loads(self.state.read_text())
        except (OSError, ValueError):
            return None
        return found

    def take(self) -> int | None:
        """The lock, open; None while a sandbox has it."""
        number = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            return None
        return number


@dataclass(slots=True)
class _Owned:
    """A process of ours, and how often the ones before it ended by themselves."""

    process: "subprocess.Popen[bytes]"
    backoff: Backoff = field(default_factory=lambda: Backoff(first=0.2, ceiling=15.0, calm=60.0))


class Sandboxes:
    """The sandboxes of a data folder. Leaving the context ends those that were started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owned: dict[str, _Owned] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        owned = [one.process for one in self._owned.values()]
        self._owned.clear()
        await asyncio.to_thread(_end, owned)

    def make(self, key: str) -> bool:
        """A place for a sandbox; whether there was none."""
        folder = self._place(key).folder
        there = folder.is_dir()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return not there

    async def kubeconfig(self, key: str) -> dict[str, Any]:
        """How a sandbox is reached, which is started where it does not run."""
        place = self._place(key)
        if not place.folder.is_dir():
            raise Unreachable(
                "The files of this sandbox are gone. `updateCluster` with `sandbox: true` makes it anew, empty."
            )
        try:
            async with asyncio.timeout(_START_LIMIT):
                return _kubeconfig(await self._answering(key, place))
        except OSError as error:  # TimeoutError is one
            reason = str(error) or f"it did not answer within {_START_LIMIT:.0f} s"
            raise Unreachable(f"The sandbox cannot be started: {reason}.") from error

    async def discard(self, key: str) -> None:
        """End a sandbox, whoever started it, and delete what it held."""
        place = self._place(key)
        if (owned := self._owned.pop(key, None)) is not None:
            await asyncio.to_thread(_end, [owned.process])
        if place.folder.is_dir():
            lock = await self._freed(place)
            # Moved away first: another server that asks for it now must find no folder to begin it anew in.
            gone = place.folder.rename(self.folder / f".gone-{key}")
            await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)
            if lock is not None:
                os.close(lock)

    # ── inside ──

    def _place(self, key: str) -> _Place:
        return _Place(self.folder / str(UUID(key)))

    async def _answering(self, key: str, place: _Place) -> dict[str, Any]:
        started: subprocess.Popen[bytes] | None = None
        while True:
            lock = place.take()
            if lock is None:
                # Without a state file it is on its way up, or on its way down.
                if (state := place.reached()) is not None:
                    return state
            elif started is None:
                started = await self._start(key, place, lock)
            else:
                os.close(lock)
                raise OSError(f"it ended with code {started.wait()}{_last_words(place)}")
            await asyncio.sleep(_LOOK)

    async def _start(self, key: str, place: _Place, lock: int) -> "subprocess.Popen[bytes]":
        """The process, which has the lock from now on."""
        try:
            owned = self._owned.get(key)
            if owned is not None:
                code, wait = _reaped(owned.process), owned.backoff.failed()
                log.warning("A sandbox ended; it is started again", sandbox=key, code=code, wait=round(wait, 1))
                await asyncio.sleep(wait)
            place.state.unlink(missing_ok=True)
            process = _spawn(place, UUID(key), lock)
        finally:
            os.close(lock)
        if owned is None:
            self._owned[key] = _Owned(process)
        else:
            owned.process = process
        return process

    async def _freed(self, place: _Place) -> int | None:
        """The lock, once the sandbox of somebody else was told to end and has; None where it will not."""
        for _ in range(round(_END_LIMIT / _LOOK)):
            if (lock := place.take()) is not None:
                return lock
            if (state := place.reached()) is not None:
                # It has the lock and says that it is there, so this is its process and no other that came after it.
                _tell_to_end(int(state["pid"]))
            await asyncio.sleep(_LOOK)
        return None


def _spawn(place: _Place, key: UUID, lock: int) -> "subprocess.Popen[bytes]":
    """Start it. It ends when its standard input does: when this process is gone, however it went."""
    command = [
        *(sys.executable, "-m", "nexus_gql.sandbox", "--until-stdin-ends"),
        *("--state-file", str(place.state)),
        *("--objects", str(place.folder / "objects")),
        # From the key, so that a sandbox whose files were lost is known again as the same cluster.
        *("--seed", str(key.int >> 65)),
    ]
    with place.complaints.open("wb") as complaints:
        return subprocess.Popen(  # noqa: S603 - this very program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=(lock,),
            # A Ctrl-C is for Nexus, which ends its sandboxes once nothing of it needs them.
            start_new_session=True,
        )


def _reaped(process: "subprocess.Popen[bytes]") -> int:
    """The code of a process that is gone."""
    if process.stdin is not None:
        process.stdin.close()
    return process.wait()


def _end(processes: Iterable["subprocess.Popen[bytes]"]) -> None:
    """Close the standard input of each, then wait for each."""
    processes = list(processes)
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    for process in processes:
        try:
            process.wait(_END_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tell_to_end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def _last_words(place: _Place) -> str:
    """The end of what it said, as the end of a sentence."""
    lines = place.complaints.read_text(errors="replace").strip().splitlines()
    return f": {lines[-1][:300].rstrip('.')}" if lines else ""


def _kubeconfig(state: dict[str, Any]) -> dict[str, Any]:
    """A kubeconfig that has the token where no message repeats it: not in the address."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": {"server": state["address"]}}],
        "users": [{"name": "sandbox", "user": {"token": state["token"]}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        "current-context": "sandbox",
    }
