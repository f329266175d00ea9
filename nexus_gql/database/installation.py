"""The installation's one row: its id, and the number of the latest change of the hierarchy. Migration makes it."""

from uuid import uuid4

from tortoise.expressions import F

from .models import Installation


async def installation() -> Installation:
    """The row."""
    return await Installation.get()


async def found() -> None:
    """Make the row where there is none; called under the lock of the migration."""
    if not await Installation.exists():
        await Installation.create(id=uuid4())


async def change_number() -> int:
    """The number of the latest committed change of the hierarchy."""
    return int((await Installation.get()).changes)


async def next_change() -> int:
    """Take the next number and the lock that goes with it. The first statement of a transaction that changes the hierarchy."""
    await Installation.all().update(changes=F("changes") + 1)
    return await change_number()
