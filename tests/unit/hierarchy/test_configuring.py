"""Changing a level's settings, in a real database."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from nexus_gql.hierarchy import Hierarchy
from nexus_gql.hierarchy.models import Level
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused
from nexus_gql.vault import Secret
from tests.conftest import Counting

from .conftest import House, everything_stored

CHURN = "or/local/models/churn"


async def refusal(house: House, path: str, shape: dict[str, Any], **given: Any) -> list[Problem]:
    """What configure says no with; and nothing is stored."""
    before = await everything_stored()
    with pytest.raises(Refused) as refused:
        await house.configure(path, shape, **given)
    assert await everything_stored() == before
    return list(refused.value.problems)


async def test_a_setting_should_reach_everything_below_and_count_the_version_up(house: House) -> None:
    done = await house.configure("or", {"env": [{"name": "LOG", "value": {"text": "info"}}]})
    assert done.changed == ["env.LOG"]
    assert [application.path for application in done.affected] == [CHURN, "or/local/models/fraud"]
    assert done.level.version == 2
    catalogue = await house.hierarchy.current()
    assert catalogue.levels[Path("or")].version == 2
    assert catalogue.effective(Path(CHURN)).document["env.LOG"] == {"text": "info"}


async def test_only_what_is_not_overridden_should_be_affected(house: House) -> None:
    await house.configure(CHURN, {"replicas": 3})
    done = await house.configure("or", {"replicas": 2})
    assert [application.path for application in done.affected] == ["or/local/models/fraud"]


async def test_a_patch_that_changes_nothing_should_store_nothing(house: House) -> None:
    await house.configure("or", {"replicas": 2})
    stored = await Level.get(path="or")
    again = await house.configure("or", {"replicas": 2})
    assert (again.changed, again.affected, again.level.version) == ([], [], 2)
    after = await Level.get(path="or")
    assert (after.version, after.change, after.updated_at) == (stored.version, stored.change, stored.updated_at)


async def test_the_answer_should_be_the_level_as_it_is_stored(house: House) -> None:
    done = await house.configure("or", {"replicas": 2})
    assert done.level == (await house.hierarchy.current()).levels[Path("or")]


async def test_a_dry_run_should_say_the_same_and_store_nothing(house: House) -> None:
    before = await everything_stored()
    planned = await house.configure("or", {"replicas": 2}, dry_run=True)
    assert await everything_stored() == before
    done = await house.configure("or", {"replicas": 2})
    assert planned.changed == done.changed == ["replicas"]
    assert [level.path for level in planned.affected] == [level.path for level in done.affected]
    assert planned.level.document == done.level.document


async def test_a_stale_version_should_be_a_conflict_and_change_nothing(house: House) -> None:
    await house.configure("or", {"replicas": 2}, expected_version=1)
    for dry_run in (False, True):
        (problem,) = await refusal(house, "or", {"replicas": 3}, expected_version=1, dry_run=dry_run)
        assert (problem.code, problem.path) == (ProblemCode.CONFLICT, ("expectedVersion",))
        assert "version 2, not 1" in problem.message


async def test_a_level_that_is_not_there_should_be_not_found(house: House) -> None:
    (problem,) = await refusal(house, "or/nowhere", {"replicas": 3})
    assert (problem.code, problem.path) == (ProblemCode.NOT_FOUND, ("path",))


async def test_twenty_at_once_should_each_be_kept(house: House) -> None:
    await asyncio.gather(
        *(house.configure("or", {"env": [{"name": f"V{number}", "value": {"text": "x"}}]}) for number in range(20))
    )
    level = (await house.hierarchy.current()).levels[Path("or")]
    assert len(level.document) == 20
    assert level.version == 21


async def test_of_twenty_at_once_on_one_version_one_should_win(house: House) -> None:
    outcomes = await asyncio.gather(
        *(house.configure("or", {"replicas": number}, expected_version=1) for number in range(2, 22)),
        return_exceptions=True,
    )
    assert len([outcome for outcome in outcomes if not isinstance(outcome, BaseException)]) == 1
    conflicts = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {conflict.problems[0].code for conflict in conflicts} == {ProblemCode.CONFLICT}
    assert len(conflicts) == 19


async def test_another_process_should_see_the_change_at_its_next_question(house: House) -> None:
    other = Hierarchy()
    before = await other.current()
    await house.configure("or", {"replicas": 2})
    after = await other.current()
    assert after.levels == (await house.hierarchy.current()).levels
    assert before.levels[Path("or")].document == {}


# ── secrets ──


async def test_a_secret_should_be_in_the_vault_and_nowhere_else(house: House) -> None:
    await house.configure("or", {"env": [{"name": "PASSWORD", "value": {"secret": "hunter2"}}]})
    stored = await Secret.get()
    assert stored.key == "env.PASSWORD"
    assert house.vault.decrypt(stored.ciphertext, row=stored.id, column=stored.key) == "hunter2"
    level = await Level.get(path="or")
    assert level.document == {"env.PASSWORD": {"secret": str(stored.id)}}
    assert "hunter2" not in repr(await everything_stored())


async def test_a_secret_set_again_should_be_a_change_even_to_the_same_text(house: House) -> None:
    """Comparing would tell somebody whether they guessed it."""
    shape = {"env": [{"name": "PASSWORD", "value": {"secret": "hunter2"}}]}
    await house.configure("or", shape)
    first = await Secret.get()
    again = await house.configure("or", shape)
    assert again.changed == ["env.PASSWORD"]
    second = await Secret.get()
    assert second.id != first.id


@pytest.mark.parametrize(
    "shape",
    [
        {"inherit": ["env"]},
        {"remove": ["env.PASSWORD"]},
        {"env": [{"name": "PASSWORD", "value": {"text": "plain"}}]},
    ],
)
async def test_a_secret_that_no_document_holds_should_be_deleted(house: House, shape: dict[str, Any]) -> None:
    secrets = [{"name": name, "value": {"secret": name}} for name in ("PASSWORD", "KEPT")]
    await house.configure("or", {"env": secrets})
    await house.configure("or", shape)
    kept = [] if "inherit" in shape else ["env.KEPT"]
    assert [secret.key for secret in await Secret.all()] == kept


async def test_a_secret_in_a_refused_patch_should_not_be_in_the_refusal(house: House) -> None:
    env = [{"name": "1", "value": {"secret": "hunter2"}}, {"name": "A", "value": {"secret": "hunter2\0"}}]
    problems = await refusal(house, "or", {"env": env, "inherit": ["env"]})
    assert problems
    assert "hunter2" not in repr(problems)


# ── references ──


async def test_a_reference_to_nothing_should_be_stored_with_a_warning(house: House) -> None:
    done = await house.configure(CHURN, {"env": [{"name": "F", "value": {"service": {"ref": "ddk/features"}}}]})
    (warning,) = done.warnings
    assert (warning.code, warning.path) == (ProblemCode.MISSING_REFERENCE, ("patch", "env", "0"))
    assert (await Level.get(path=CHURN)).document == {"env.F": {"service": {"ref": "ddk/features"}}}


async def test_a_reference_to_a_neighbour_should_be_stored_without_one(house: House) -> None:
    done = await house.configure(CHURN, {"env": [{"name": "F", "value": {"service": {"ref": "fraud"}}}]})
    assert done.warnings == []


# ── many ──


async def test_a_thousand_applications_should_cost_a_constant_number_of_statements(
    empty_house: House, counting: Counting
) -> None:
    await empty_house.project()
    await empty_house.environment()
    await empty_house.namespace()
    template = await empty_house.application("a0")
    row = await Level.get(path=template.path)
    copies = []
    for number in range(1, 1000):
        copy = row.clone(pk=uuid4())
        copy.path = f"or/local/models/a{number}"
        copies.append(copy)
    await Level.bulk_create(copies)
    hierarchy = Hierarchy()
    async with counting() as first:
        catalogue = await hierarchy.current()
        applications = catalogue.applications(None)
        documents = [catalogue.effective(application.path).shape for application in applications]
    async with counting() as second:
        assert await hierarchy.current() is catalogue
    assert len(documents) == 1000
    assert len(first) <= 5
    assert len(second) == 1


async def test_what_is_in_force_elsewhere_should_not_be_computed_anew(house: House) -> None:
    before = await house.hierarchy.current()
    churn, fraud = before.effective(Path(CHURN)), before.effective(Path("or/local/models/fraud"))
    await house.configure(CHURN, {"replicas": 2})
    after = await house.hierarchy.current()
    assert after.effective(Path("or/local/models/fraud")) is fraud
    assert after.effective(Path(CHURN)) is not churn
    assert replace(after.levels[Path("or")]) == before.levels[Path("or")]
