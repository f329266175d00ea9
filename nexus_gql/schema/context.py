"""What every resolver is given: who asks, and the rooms to ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import strawberry
from strawberry.dataloader import DataLoader

from nexus_gql.access import Viewer
from nexus_gql.clusters import Fleet
from nexus_gql.hierarchy import Catalogue, Document, Hierarchy
from nexus_gql.live import Live
from nexus_gql.paths import Path
from nexus_gql.topology import LastMade, Picture, Topology
from nexus_gql.vault import Secret, Vault
from nexus_gql.workloads import (
    Operation,
    Operations,
    Revision,
    current_of,
    deployed_settings,
    find_many,
    parts_of,
    revisions_by_number,
)


@dataclass(frozen=True)
class Rooms:
    """The rooms below, and what the server tells of itself."""

    hierarchy: Hierarchy
    vault: Vault
    fleet: Fleet
    live: Live
    topology: Topology
    operations: Operations
    version: str
    replica: str
    started_at: datetime
    subscriptions: Callable[[], int]


class Context:
    """One per request, or per WebSocket connection: so loaders gather what one turn asks for and remember nothing."""

    def __init__(self, viewer: Viewer, rooms: Rooms) -> None:
        self.viewer = viewer
        self.rooms = rooms
        # Of the graph before a change and after it: a list that asks for each item's neighbours looks at one of them.
        self.sights: LastMade[Picture] = LastMade()
        self.places: tuple[Catalogue, frozenset[tuple[str, str]]] | None = None
        "As of a catalogue, the Kubernetes namespaces that are the viewer's to see."

    @cached_property
    def secrets(self) -> DataLoader[str, Secret | None]:
        """Secrets' rows by id."""
        return DataLoader(_secrets, cache=False)

    @cached_property
    def current_operations(self) -> DataLoader[str, Operation | None]:
        """The unfinished operation of an application, by its id."""
        return DataLoader(_current_operations, cache=False)

    @cached_property
    def operations(self) -> DataLoader[str, Operation | None]:
        """Operations by id."""
        return DataLoader(_operations, cache=False)

    @cached_property
    def parts(self) -> DataLoader[str, list[Operation]]:
        """The parts of larger operations, by the larger one's id."""
        return DataLoader(_parts, cache=False)

    @cached_property
    def deployed(self) -> DataLoader[str, Document | None]:
        """The settings of an application's current revision, by the application's id."""
        return DataLoader(_deployed, cache=False)

    @cached_property
    def revisions(self) -> DataLoader[tuple[str, Path, int], Revision | None]:
        """Revisions by their application's id and path, and number."""
        return DataLoader(_revisions, cache=False)


Info = strawberry.Info[Context, None]


async def _secrets(ids: list[str]) -> Sequence[Secret | None]:
    found = {str(row.id): row for row in await Secret.filter(id__in=[UUID(one) for one in set(ids)])}
    return [found.get(one) for one in ids]


async def _current_operations(ids: list[str]) -> Sequence[Operation | None]:
    found = await current_of(list(set(ids)))
    return [found.get(one) for one in ids]


async def _operations(ids: list[str]) -> Sequence[Operation | None]:
    found = {one.id: one for one in await find_many({UUID(each) for each in ids})}
    return [found.get(one) for one in ids]


async def _parts(ids: list[str]) -> Sequence[list[Operation]]:
    found = await parts_of(set(ids))
    return [found[one] for one in ids]


async def _deployed(ids: list[str]) -> Sequence[Document | None]:
    found = await deployed_settings(list(set(ids)))
    return [found.get(one) for one in ids]


async def _revisions(keys: list[tuple[str, Path, int]]) -> Sequence[Revision | None]:
    found = await revisions_by_number(keys)
    return [found.get((application_id, number)) for application_id, _, number in keys]
