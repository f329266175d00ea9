"""Deletes a level with what runs below it: its parts take the applications off their clusters, then namespaces and levels go."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from nexus_gql.clusters import Connection, Fleet, PassingError
from nexus_gql.hierarchy import Hierarchy

from .failures import DELETION_REMEDY, UNREACHABLE
from .holding import Holding
from .kubernetes_contents import contents
from .kubernetes_namespace import delete_namespace, made_here, namespace
from .operation import Failure, Operation, OperationStatus
from .parts import due, outcomes, release, under_way
from .records import Failed, record_deletion

_LOOK = 0.3
"""Seconds between two looks at the parts, which another process may carry out."""
_TERMINATING = 600.0
"""Seconds for which a namespace that Kubernetes takes away is waited for: finalizers of others may keep it."""


class Deletion:
    """The steps of one operation of kind DELETE. `wake`: lets this process look for operations to carry out."""

    def __init__(
        self, holding: Holding, hierarchy: Hierarchy, fleet: Fleet, installation_id: str, wake: Callable[[], None]
    ) -> None:
        self._holding = holding
        self._hierarchy = hierarchy
        self._fleet = fleet
        self._installation_id = installation_id
        self._wake = wake

    async def remove(self) -> str | None:
        """Let the parts go generation by generation, until all are over or one has failed and nothing is under way."""
        generations: Any = self._holding.row.notes["generations"]
        while True:
            await self._holding.look()
            now = await outcomes(str(self._holding.row.id))
            await self._tell(now)
            turn = due(generations, now)
            failed = [one for one in now.values() if _failed(one)]
            if failed and not await under_way(turn):
                raise Failed(_failure(failed[0], now))
            if not turn:
                return f"{len(now)} applications are off their clusters." if now else "Nothing ran there."
            if not failed and await release(turn):
                self._wake()
            await asyncio.sleep(_LOOK)

    async def _tell(self, now: Mapping[str, Operation]) -> None:
        over = sum(one.status is OperationStatus.SUCCEEDED for one in now.values())
        done = round(sum(1.0 if _failed(one) else one.progress for one in now.values()), 3)
        current = next((one for one in now.values() if one.status in _AT_IT), None)
        message = f"{over} of {len(now)} applications are off their clusters."
        if current is not None:
            message += f" `{current.path}`: {current.message}"
        await self._holding.tell(message=message, notes={**self._holding.row.notes, "partsDone": done})

    async def namespaces(self) -> str | None:
        """Delete the Kubernetes namespaces that this installation made and in which nothing is left."""
        said = []
        wanted: Any = self._holding.row.notes["namespaces"]
        for cluster_id, name in wanted:
            link = self._fleet.link(cluster_id)
            if link is None:
                continue  # no environment is on that cluster any more, so somebody has moved it away
            try:
                said.append(await self._namespace(await link.connected(), name))
            except PassingError:
                link.doubt()
                raise
        return " ".join(said) or None

    async def _namespace(self, connection: Connection, name: str) -> str:
        found = await namespace(connection, name)
        if found is None:
            return f"`{name}` is gone."
        if not made_here(found, self._installation_id):
            return f"`{name}` stays: Nexus did not make it."
        if not found["metadata"].get("deletionTimestamp"):
            kept = await contents(connection, name)
            if kept is not None:
                return f"`{name}` stays: there is {kept} in it."
            self._holding.check()
            await delete_namespace(connection, found)
        return await self._gone(connection, name, found["metadata"]["uid"])

    async def _gone(self, connection: Connection, name: str, uid: str) -> str:
        try:
            async with asyncio.timeout(_TERMINATING):
                while (there := await namespace(connection, name)) is not None and there["metadata"]["uid"] == uid:
                    await self._holding.look()
                    await self._holding.tell(message=f"Kubernetes takes the namespace `{name}` away.")
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            message = f"Kubernetes does not come to an end with the namespace `{name}`: something in it is kept."
            remedy = "Look at its status (`kubectl get namespace -o yaml`), then ask for the deletion again."
            raise Failed(Failure("NamespaceTerminating", message, remedy)) from None
        return f"`{name}` is gone."

    async def levels(self) -> str | None:
        """Take the level and all below it out of the hierarchy."""
        await record_deletion(self._holding, self._hierarchy)
        await self._hierarchy.current()
        return None


_AT_IT = {OperationStatus.APPLYING, OperationStatus.ROLLING_OUT}


def _failed(one: Operation) -> bool:
    return not one.unfinished and one.status is not OperationStatus.SUCCEEDED


def _failure(first: Operation, now: Mapping[str, Operation]) -> Failure:
    left = [f"`{one.path}`" for one in now.values() if one.status is not OperationStatus.SUCCEEDED]
    more = f" and {len(left) - 5} more" if len(left) > 5 else ""
    message = f"`{first.path}` is not off its cluster: {first.message} Not removed: {', '.join(left[:5])}{more}."
    known = first.failure
    if known is None:
        return Failure(first.status.capitalize(), message, "Ask for the deletion again.")
    if known.reason == UNREACHABLE:
        return Failure(UNREACHABLE, message, DELETION_REMEDY)
    remedy = f"{known.remedy or ''} Then ask for the deletion again.".strip()
    return Failure(known.reason, message, remedy, known.logs)
