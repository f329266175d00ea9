"""Row claims on the database's clock."""

from uuid import UUID, uuid4

import pytest

from nexus_gql.database import claim, database_now, extend
from nexus_gql.hierarchy.models import Level
from nexus_gql.workloads.models import Operation

pytestmark = pytest.mark.usefixtures("database")

NOW = "2026-11-24T00:00:00Z"


async def operation() -> UUID:
    level = await Level.create(path="or", display_name="OR", change=1, created_at=NOW, updated_at=NOW)
    row = await Operation.create(
        application_id=level.id, path="or", kind="DEPLOY", status="PENDING", number=1, requested_by="me", created_at=NOW
    )
    return UUID(str(row.id))


async def test_a_row_should_be_claimed_by_one() -> None:
    row = await operation()
    assert await claim(Operation, row, uuid4(), 60)
    assert not await claim(Operation, row, uuid4(), 60)


async def test_a_claim_whose_time_is_over_should_be_anybodys() -> None:
    row, first, second = await operation(), uuid4(), uuid4()
    assert await claim(Operation, row, first, -1)
    assert await claim(Operation, row, second, 60)
    assert not await extend(Operation, row, first, 60), "the first finds that it has lost it"
    assert await extend(Operation, row, second, 60)


async def test_extending_should_count_from_now_on_the_databases_clock() -> None:
    row, lease = await operation(), uuid4()
    await claim(Operation, row, lease, -1)
    before = await database_now()
    assert await extend(Operation, row, lease, 60)
    until = (await Operation.get(id=row)).lease_until
    assert until is not None
    assert before + 60 <= until + 0.01
    assert until <= await database_now() + 60.01
