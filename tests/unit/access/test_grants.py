"""Who has which role where, in a real database."""

from typing import Any

import pytest

from nexus_gql.access import LOCAL_VIEWER, Grant, Role, Viewer, grant, grants
from nexus_gql.access.grants import granted
from nexus_gql.access.scope import scope
from nexus_gql.access.viewer import LOCAL, OPERATOR
from nexus_gql.paths import Path
from nexus_gql.problems import ProblemCode, Refused

pytestmark = pytest.mark.usefixtures("database")

OR, LOCAL_ENVIRONMENT, OTHER = Path("or"), Path("or/local"), Path("other")


async def test_a_grant_should_be_what_the_subject_has() -> None:
    await grant("ann", Role.ADMIN, None)
    await grant("ann", Role.VIEWER, OR)
    await grant("bob", Role.DEPLOYER, OR)
    assert sorted(await granted("ann"), key=str) == sorted([(None, Role.ADMIN), (OR, Role.VIEWER)], key=str)
    assert await granted("nobody") == []


@pytest.mark.parametrize("path", [None, OR])
async def test_a_grant_at_the_same_place_should_take_the_place_of_the_first(path: Path | None) -> None:
    first = await grant("ann", Role.ADMIN, path)
    second = await grant("ann", Role.VIEWER, path)
    assert first.id == second.id
    assert await granted("ann") == [(path, Role.VIEWER)]


@pytest.mark.parametrize("path", [None, OR])
async def test_none_should_revoke_and_leave_other_places(path: Path | None) -> None:
    await grant("ann", Role.ADMIN, path)
    await grant("ann", Role.VIEWER, OTHER)
    answer = await grant("ann", Role.NONE, path)
    assert (answer.subject, answer.role, answer.path) == ("ann", Role.NONE, path)
    assert await granted("ann") == [(OTHER, Role.VIEWER)]


async def test_revoking_what_nobody_has_should_be_nothing() -> None:
    await grant("ann", Role.NONE, OR)
    assert await Grant.all().count() == 0


@pytest.mark.parametrize("subject", ["", "  ", "x" * 256, "x" * 2_000_000, "a\0b", "\ud800", LOCAL, OPERATOR])
async def test_a_subject_that_is_none_should_be_refused(subject: str) -> None:
    with pytest.raises(Refused) as refused:
        await grant(subject, Role.VIEWER, None)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (ProblemCode.INVALID, ("subject",))
    assert len(problem.message) < 500
    assert await Grant.all().count() == 0


async def test_the_operator_should_have_everything_without_a_grant() -> None:
    assert await granted(OPERATOR) == [(None, Role.ADMIN)]


async def places(viewer: Viewer, path: Path | None) -> list[Any]:
    return [row.path for row in await grants(viewer, path)]


async def test_grants_should_be_listed_at_a_path_below_it_and_inherited() -> None:
    for path in (None, OR, LOCAL_ENVIRONMENT, OTHER):
        await grant("ann", Role.VIEWER, path)
    assert await places(LOCAL_VIEWER, None) == [None, OR, LOCAL_ENVIRONMENT, OTHER]
    assert await places(LOCAL_VIEWER, OR) == [None, OR, LOCAL_ENVIRONMENT]
    assert await places(LOCAL_VIEWER, LOCAL_ENVIRONMENT) == [None, OR, LOCAL_ENVIRONMENT]


async def test_grants_should_be_listed_only_to_who_administers_their_place() -> None:
    for path in (None, OR, LOCAL_ENVIRONMENT, OTHER):
        await grant("ann", Role.VIEWER, path)
    admin = Viewer("bob", "test", scope([(LOCAL_ENVIRONMENT, Role.ADMIN), (OTHER, Role.DEPLOYER)]))
    assert await places(admin, None) == [LOCAL_ENVIRONMENT]
