"""What changes of the hierarchy come to, for somebody who looks at it."""

from typing import Any

import pytest

from nexus_gql.hierarchy import Change, Concern, Difference, LevelChange, delete, differs, merged, reached, update
from nexus_gql.hierarchy import provenance as folding
from nexus_gql.hierarchy.models import Level
from nexus_gql.paths import Path

from .conftest import House

CHURN, FRAUD = Path("or/local/models/churn"), Path("or/local/models/fraud")


@pytest.fixture
def changes(house: House) -> list[Change]:
    """The changes of the house from now on, as they come."""
    found: list[Change] = []
    house.hierarchy.follow(found.append)
    return found


def paths(levels: Any) -> list[str]:
    return [level.path for level in levels]


def affected(difference: Difference, scope: str | None = None) -> list[str]:
    found = reached(difference, None if scope is None else Path(scope))
    return paths(level for level in found if differs(difference, level))


async def test_a_setting_of_a_project_should_affect_what_does_not_override_it(
    house: House, changes: list[Change]
) -> None:
    await house.configure(CHURN, {"replicas": 3})
    changes.clear()
    await house.configure("or", {"replicas": 2})
    difference = merged(changes)
    assert paths(difference.upserted) == ["or"]
    assert affected(difference) == ["or/local", "or/local/models", FRAUD]
    assert affected(difference, "or/local/models") == ["or/local/models", FRAUD]
    assert affected(difference, FRAUD) == [FRAUD]
    assert affected(difference, CHURN) == []
    assert affected(difference, "other") == []


async def test_what_was_upserted_should_not_be_affected_as_well(house: House, changes: list[Change]) -> None:
    await house.configure("or", {"replicas": 2})
    await house.configure("or/local", {"env": [{"name": "A", "value": {"text": "a"}}]})
    await house.configure(CHURN, {"image": {"tag": "1"}})
    difference = merged(changes)
    assert paths(difference.upserted) == ["or", "or/local", CHURN]
    assert affected(difference) == ["or/local/models", FRAUD]


async def test_what_was_done_and_undone_should_not_be_told(house: House, changes: list[Change]) -> None:
    await house.configure("or", {"replicas": 2})
    await house.namespace("ddk", concern=Concern.DDK)
    await delete(house.hierarchy, Path("or/local/ddk"))
    await house.configure("or", {"inherit": ["replicas"]})
    difference = merged(changes)
    assert paths(difference.upserted) == ["or"]  # its version counts on
    assert (difference.removed, affected(difference)) == ([], [])


async def test_what_was_made_anew_should_be_gone_and_be_there(house: House, changes: list[Change]) -> None:
    old = house.hierarchy.latest.levels[CHURN]
    await delete(house.hierarchy, CHURN)
    new = await house.application("churn")
    difference = merged(changes)
    assert (difference.removed, difference.upserted) == ([old], [new])


async def test_a_deleted_level_should_be_gone_with_all_below(house: House, changes: list[Change]) -> None:
    await delete(house.hierarchy, Path("or/local"))
    difference = merged(changes)
    assert paths(difference.removed) == ["or/local", "or/local/models", CHURN, FRAUD]
    assert difference.upserted == []


async def test_new_levels_should_come_after_those_above_them(house: House, changes: list[Change]) -> None:
    await house.environment("a-b")
    await house.environment("a")
    await house.namespace("z", "or/a")
    await house.application("y", "or/a/z", settings={"replicas": 2})
    difference = merged(changes)
    assert paths(difference.upserted) == ["or/a", "or/a/z", "or/a/z/y", "or/a-b"]
    assert affected(difference) == []


@pytest.mark.parametrize("columns", [{"deployed": True}, {"operation_number": 7}])
async def test_numbers_of_operations_should_be_no_difference(
    house: House, changes: list[Change], columns: dict[str, Any]
) -> None:
    await _written(house, columns)
    assert merged(changes).upserted == []


async def test_another_revision_should_be_a_difference_that_affects_nothing(
    house: House, changes: list[Change]
) -> None:
    await _written(house, {"revision": 3})
    difference = merged(changes)
    assert paths(difference.upserted) == [CHURN]
    assert affected(difference) == []


async def test_a_name_should_affect_nothing_below(house: House, changes: list[Change]) -> None:
    await update(
        house.hierarchy, house.viewer, Path("or"), LevelChange(fields={"displayName": "Optimal Reality"}), None
    )
    difference = merged(changes)
    assert paths(difference.upserted) == ["or"]
    assert reached(difference, None) == []


async def test_a_change_at_a_project_should_fold_each_level_once(house: House, changes: list[Change]) -> None:
    """Whoever asks second folds nothing, and the next change finds the state before it folded already."""
    await house.configure("or", {"replicas": 2})
    affected(merged(changes))
    changes.clear()
    await house.configure("or", {"replicas": 3})
    difference = merged(changes)
    before = {path: difference.before.effective(path) for path in difference.before.levels}
    assert folded(difference.after) <= {"or", CHURN, FRAUD}  # by `configure`, which tells what it affects
    assert affected(difference) == ["or/local", "or/local/models", CHURN, FRAUD]
    once = {path: difference.after.effective(path) for path in difference.after.levels}
    assert affected(difference) == ["or/local", "or/local/models", CHURN, FRAUD]
    assert all(difference.before.effective(path) is kept for path, kept in before.items())
    assert all(difference.after.effective(path) is kept for path, kept in once.items())
    assert isinstance(once[CHURN], folding.Effective)


def folded(catalogue: Any) -> set[str]:
    return set(catalogue._effective)


async def _written(house: House, columns: dict[str, Any]) -> None:
    number = house.hierarchy.latest.number + 1
    await Level.filter(path=CHURN).update(**columns, change=number)
    from nexus_gql.database.models import Installation

    await Installation.all().update(changes=number)
    await house.hierarchy.current()
