"""Takes an application off its cluster: its objects first, then it is waited for its pods."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from nexus_gql import clock
from nexus_gql.clusters import Connection

from . import apply
from .holding import TICK, Holding
from .replacement import VOLUMES
from .subject import Subject

_IN_FLIGHT = 15.0
"""Seconds for which a request of a worker that lost its lease may still be under way (the connection's limit)."""


class Removal:
    """The steps of one operation of kind REMOVE."""

    def __init__(self, holding: Holding, subject: Subject, installation_id: str) -> None:
        self._holding = holding
        self._subject = subject
        self._installation_id = installation_id

    async def delete(self) -> str | None:
        """Delete what is there of it."""
        connection, gone = await self._subject.connection(), []
        async for item in self._going(connection):
            await apply.delete(connection, item, self._subject.fence)
            gone.append(f"{item['kind']} {item['metadata']['name']}")
        return ", ".join(gone) or "Nothing of it was there."

    async def wait(self) -> str | None:
        """Until its pods have ended, and nobody who was torn off can have made something anew meanwhile."""
        connection, place, started = await self._subject.connection(), self._subject.place, clock.elapsed()
        quiet = _IN_FLIGHT if await self._subject.torn_before() else 0.0
        while True:
            await self._holding.look()
            left = [item async for item in self._going(connection)]
            for item in left:
                await apply.delete(connection, item, self._subject.fence)
            pods = await apply.pods_left(connection, place.namespace, self._subject.application.id)
            if not left and not pods and clock.elapsed() - started >= quiet:
                return None
            message = (
                f"{pods} {'pod is' if pods == 1 else 'pods are'} still to end." if pods else "It is being taken away."
            )
            await self._holding.tell(message=message)
            await asyncio.sleep(TICK)

    async def _going(self, connection: Connection) -> AsyncIterator[Mapping[str, Any]]:
        """What a removal takes away: all of the application, its volumes only where that was said."""
        volumes = bool(self._holding.row.request.get("deleteVolumes"))
        place, application = self._subject.place, self._subject.application
        async for item in apply.owned(connection, place.namespace, application.id, self._installation_id):
            if volumes or item["kind"] != VOLUMES:
                yield item
