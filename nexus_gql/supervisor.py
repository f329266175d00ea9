"""Owns long-lived tasks that are peers: each has a name, and one's failure ends no other."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from .backoff import Backoff

log = structlog.get_logger(__name__)


class Supervisor:
    """Runs peers until told otherwise, each started again with backoff when it fails.

    A peer is meant to run for ever: one that returns is logged as a fault, and not started again. Leaving the context cancels
    all of them, then awaits each.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        await _cancel(tasks)

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Start a peer under a name that none has yet."""
        if name in self._tasks:
            raise ValueError(f"{name!r} runs already; stop it first")
        self._tasks[name] = asyncio.create_task(self._keep(name, run), name=name)

    async def stop(self, name: str) -> None:
        """End one peer and wait until it has; nothing where there is none of that name."""
        task = self._tasks.pop(name, None)
        if task is not None:
            await _cancel([task])

    def __contains__(self, name: str) -> bool:
        return name in self._tasks

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff()
        while True:
            try:
                await run()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Something that the peer waited for was cancelled, not the peer: without this it would end and nobody would know.
                wait = backoff.failed()
                log.exception("A long-lived task lost what it waited for; it is started again", task=name)
                await asyncio.sleep(wait)
            except Exception:
                wait = backoff.failed()
                log.exception("A long-lived task failed; it is started again", task=name, wait=round(wait, 1))
                await asyncio.sleep(wait)
            else:
                log.error("A long-lived task returned, which it should not", task=name)
                return


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
