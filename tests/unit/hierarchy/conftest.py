"""A small hierarchy in a real database."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise.connection import get_connection

from nexus_gql import clock
from nexus_gql.access import LOCAL_VIEWER, Viewer
from nexus_gql.clusters.models import Cluster
from nexus_gql.hierarchy import (
    ApplicationKind,
    Concern,
    Configured,
    Hierarchy,
    Level,
    NewLevel,
    Stage,
    configure,
    create,
)
from nexus_gql.paths import Path
from nexus_gql.vault import Vault

TABLES = ("level", "secret", "installation")


@dataclass
class House:
    """The rooms that a test of the hierarchy needs, wired together as `app` does it."""

    hierarchy: Hierarchy = field(default_factory=Hierarchy)
    vault: Vault = field(default_factory=lambda: Vault(b"k" * 32))
    viewer: Viewer = LOCAL_VIEWER

    async def project(self, name: str = "or", **given: Any) -> Level:
        return await self.create(NewLevel(parent=None, name=name, **given))

    async def environment(self, name: str = "local", parent: str = "or", **given: Any) -> Level:
        return await self.create(NewLevel(parent=Path(parent), name=name, **{"stage": Stage.LOCAL, **given}))

    async def namespace(self, name: str = "models", parent: str = "or/local", **given: Any) -> Level:
        return await self.create(NewLevel(parent=Path(parent), name=name, **{"concern": Concern.MDK, **given}))

    async def application(self, name: str = "churn", parent: str = "or/local/models", **given: Any) -> Level:
        return await self.create(NewLevel(parent=Path(parent), name=name, **{"kind": ApplicationKind.MODEL, **given}))

    async def create(self, new: NewLevel) -> Level:
        return (await create(self.hierarchy, self.vault, self.viewer, new)).level

    async def configure(self, path: str, shape: dict[str, Any], **given: Any) -> Configured:
        return await configure(self.hierarchy, self.vault, self.viewer, Path(path), shape, **given)


@pytest.fixture
def empty_house(database: str) -> House:
    """Nothing declared yet."""
    return House()


@pytest.fixture
async def house(empty_house: House) -> House:
    """or/local/models/churn and its neighbours."""
    await empty_house.project()
    await empty_house.environment()
    await empty_house.namespace()
    await empty_house.application("churn")
    await empty_house.application("fraud")
    return empty_house


async def cluster(name: str = "dev") -> str:
    """A registered cluster; its id."""
    row: UUID = uuid4()
    await Cluster.create(id=row, name=name, kind="KIND", uid=str(row), target={}, created_at=clock.now())
    return str(row)


async def everything_stored() -> dict[str, list[dict[str, Any]]]:
    """All rows of the hierarchy, so that a test can say that nothing changed."""
    client = get_connection("default")
    return {table: await client.execute_query_dict(f'SELECT * FROM "{table}" ORDER BY id') for table in TABLES}
