"""Transactions that nobody's leaving can tear.

Tortoise's transaction on SQLite takes a lock in `__aenter__` before it says BEGIN: a task that is cancelled there (a WebSocket
that closes in the middle of its mutation) would keep the lock for ever, and one cancelled at COMMIT would not know what became
of it. So a transaction runs in a task of its own, which its caller may leave but not end.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from tortoise.transactions import in_transaction

P = ParamSpec("P")
T = TypeVar("T")

_running: set[asyncio.Task[object]] = set()


def transactional(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Make a function's whole body one transaction: all of it is committed when it returns, nothing when it raises.

    Tell others of what was done only after it has returned. Such functions do not call each other.
    """

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        async def body() -> T:
            connection = None
            try:
                async with in_transaction() as connection:
                    return await function(*args, **kwargs)
            except sqlite3.Error:
                # COMMIT failed (the disk is full, the file locked). Tortoise leaves the transaction open and would commit it
                # with the next one, after we have said that it failed.
                if connection is not None:
                    await connection._connection.rollback()
                raise

        task = asyncio.create_task(body())
        _running.add(task)
        task.add_done_callback(_forget)
        return await asyncio.shield(task)

    return call


def _forget(task: "asyncio.Task[object]") -> None:
    _running.discard(task)
    if not task.cancelled():
        task.exception()  # a caller that left does not fetch it


async def settle() -> None:
    """Wait for the transactions whose callers have left."""
    if _running:
        await asyncio.wait(set(_running))
