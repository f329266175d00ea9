"""The installation's row and the number that orders changes."""

import pytest

from nexus_gql.database import change_number, installation, next_change, transactional
from tests.conftest import Counting

pytestmark = pytest.mark.usefixtures("database")


async def test_a_migrated_database_should_know_who_it_is() -> None:
    assert await installation() == await installation()
    assert await change_number() == 0


async def test_a_change_should_count_up() -> None:
    assert [await next_change(), await next_change(), await change_number()] == [1, 2, 2]


async def test_a_change_that_fails_should_give_its_number_back() -> None:
    @transactional
    async def failing() -> None:
        await next_change()
        raise LookupError

    with pytest.raises(LookupError):
        await failing()
    assert await change_number() == 0


async def test_the_number_should_cost_one_statement(counting: Counting) -> None:
    async with counting() as statements:
        await change_number()
    assert len(statements) == 1
