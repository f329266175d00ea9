"""A heartbeat that fails, or beats once more after the end."""

import asyncio
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs
from tortoise.connection import get_connection

from nexus_gql import clock
from nexus_gql.app import MODELS
from nexus_gql.database import connected
from nexus_gql.hierarchy import Catalogue, Hierarchy
from nexus_gql.workloads import OperationKind, OperationStatus, Surroundings
from nexus_gql.workloads.holding import LEASE, Holding
from nexus_gql.workloads.models import Operation
from nexus_gql.workloads.runner import Runner

NO_ROOMS = cast("Any", None)


async def store(kind: OperationKind, **more: Any) -> UUID:
    row = await Operation.create(
        id=uuid4(),
        path="or",
        kind=kind,
        status=OperationStatus.PENDING,
        number=0,
        requested_by="me",
        created_at=clock.now(),
        **more,
    )
    return row.id


@pytest.mark.looptime
async def test_a_heartbeat_that_fails_should_be_logged_and_the_operation_given_back(database_file: Path) -> None:
    """It was stopped without a word, and taken up again, and stopped."""
    async with connected(f"sqlite://{database_file}", MODELS):
        part = await store(OperationKind.REMOVE)  # which nobody carries out, so that the whole goes on waiting
        notes = {"level": str(uuid4()), "generations": [[str(part)]], "namespaces": [], "parts": 1}
        whole = await store(OperationKind.DELETE, notes=notes)
        await Operation.filter(id=part).update(parent_id=whole)
        fails = "CREATE TRIGGER fails BEFORE UPDATE OF lease_until ON operation WHEN NEW.lease = OLD.lease "
        await get_connection("default").execute_query(f"{fails} BEGIN SELECT RAISE(ABORT, 'no more beats'); END")
        holding = await Holding.take(whole, lambda _: None)
        assert holding is not None
        runner = Runner(Surroundings(NO_ROOMS, NO_ROOMS, NO_ROOMS, NO_ROOMS, "i"), lambda _: None)
        with capture_logs() as said:
            await runner._held(holding, torn=False)
        assert [(one["event"], one["operation"]) for one in said] == [
            ("The heartbeat of an operation failed", str(whole))
        ]
        assert "no more beats" in repr(said[0]["exc_info"])
        row = await Operation.get(id=whole)
        assert (row.lease, row.status) == (None, OperationStatus.APPLYING)


class Slow(Hierarchy):
    """One that a loaded machine takes long to read."""

    async def current(self) -> Catalogue:
        await asyncio.sleep(LEASE)
        return await super().current()


@pytest.mark.looptime
async def test_an_end_should_be_told_although_a_heartbeat_comes_after_it(database_file: Path) -> None:
    """The end gives the lease up. A beat before it was told took that for a loss, and nobody heard of the end."""
    told: list[tuple[str, str]] = []

    def tell(row: Operation) -> None:
        told.append((row.status, row.message))

    async with connected(f"sqlite://{database_file}", MODELS):
        whole = await store(OperationKind.DELETE, ending=OperationStatus.CANCELLED)
        holding = await Holding.take(whole, tell)
        assert holding is not None
        runner = Runner(Surroundings(Slow(), NO_ROOMS, NO_ROOMS, NO_ROOMS, "i"), tell)
        with capture_logs() as said:
            await runner._held(holding, torn=False)
    assert said == []
    assert told == [(OperationStatus.CANCELLED, "It was cancelled; what it had applied stays.")]
