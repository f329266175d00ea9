"""Declaring, changing and removing workflows, in a real database."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from nexus_gql.access import LOCAL_VIEWER
from nexus_gql.hierarchy import Hierarchy, NewLevel, Stage, create, delete
from nexus_gql.paths import Path
from nexus_gql.problems import Refused
from nexus_gql.topology import NewWorkflow, Workflows
from nexus_gql.vault import Vault
from tests.conftest import Counting

LOCAL, CHURN, FRAUD = Path("or/local"), Path("or/local/models/churn"), Path("or/local/models/fraud")


@pytest.fixture
async def hierarchy(database: str) -> Hierarchy:
    """The environments `or/local` and `or/staging`."""
    made, vault = Hierarchy(), Vault(b"k" * 32)
    await create(made, vault, LOCAL_VIEWER, NewLevel(parent=None, name="or"))
    for name in ("local", "staging"):
        await create(made, vault, LOCAL_VIEWER, NewLevel(parent=Path("or"), name=name, stage=Stage.LOCAL))
    return made


@pytest.fixture
def workflows(hierarchy: Hierarchy) -> Workflows:
    return Workflows(hierarchy)


def new(name: str = "nightly", **given: Any) -> NewWorkflow:
    """What is declared of a workflow that requires churn."""
    plain: dict[str, Any] = {"environment": LOCAL, "display_name": None, "requires": [CHURN], "url": None}
    return NewWorkflow(name=name, **plain | given)


async def test_a_workflow_should_be_there_as_it_was_declared(workflows: Workflows) -> None:
    url = "https://flows.or.internal/nightly?tab=1"
    made = await workflows.declare(new(display_name="Nightly run", requires=[FRAUD, CHURN], url=url))
    assert (made.environment, made.name, made.display_name, made.url) == (LOCAL, "nightly", "Nightly run", url)
    assert made.requires == (FRAUD, CHURN)
    assert workflows.all() == [made]
    assert workflows.get(made.id) == workflows.named(LOCAL, "nightly") == made
    assert (workflows.get("other"), workflows.named(LOCAL, "other")) == (None, None)


async def test_its_name_should_be_shown_where_it_has_no_other(workflows: Workflows) -> None:
    assert (await workflows.declare(new())).display_name == "nightly"


async def test_what_it_requires_twice_should_count_once_and_need_not_be_declared(workflows: Workflows) -> None:
    ghost = Path("or/staging/models/ghost")
    assert (await workflows.declare(new(requires=[CHURN, ghost, CHURN]))).requires == (CHURN, ghost)


async def test_one_that_is_declared_again_should_be_the_same_with_other_contents(workflows: Workflows) -> None:
    first = await workflows.declare(new(display_name="First", url="https://a.or.internal"))
    second = await workflows.declare(new(requires=[]))
    assert second.id == first.id
    assert (second.display_name, second.requires, second.url) == ("nightly", (), None)
    assert workflows.all() == [second]


async def test_the_same_name_should_be_another_workflow_in_another_environment(workflows: Workflows) -> None:
    staging = await workflows.declare(new(environment=Path("or/staging")))
    local = await workflows.declare(new())
    weekly = await workflows.declare(new("weekly"))
    assert workflows.all() == [local, weekly, staging]


async def test_a_removed_one_should_be_gone_and_no_other(workflows: Workflows) -> None:
    gone, stays = await workflows.declare(new()), await workflows.declare(new("weekly"))
    assert await workflows.remove(LOCAL, "nightly") == gone.id
    assert workflows.all() == [stays]
    with pytest.raises(Refused) as refusal:
        await workflows.remove(LOCAL, "nightly")
    assert [(one.code.value, one.path) for one in refusal.value.problems] == [("NOT_FOUND", ("name",))]


async def test_a_workflow_should_go_with_its_environment(hierarchy: Hierarchy, workflows: Workflows) -> None:
    await workflows.declare(new())
    stays = await workflows.declare(new(environment=Path("or/staging")))
    await delete(hierarchy, LOCAL)
    await workflows.load()
    assert workflows.all() == [stays]


async def test_nothing_should_be_declared_in_an_environment_that_is_not_there(workflows: Workflows) -> None:
    for path in ("or/nowhere", "or"):
        with pytest.raises(Refused) as refusal:
            await workflows.declare(new(environment=Path(path)))
        assert [(one.code.value, one.path) for one in refusal.value.problems] == [("NOT_FOUND", ("environment",))]
    assert workflows.all() == []


WRONG: list[tuple[dict[str, Any], str, str, tuple[str, ...]]] = [
    ({"name": "Nightly Run"}, "INVALID", "DNS label", ("name",)),
    ({"name": ""}, "INVALID", "DNS label", ("name",)),
    ({"name": "n" * 64}, "INVALID", "at most 63", ("name",)),
    ({"display_name": "x" * 256}, "INVALID", "255", ("displayName",)),
    ({"display_name": "a\0b"}, "INVALID", "display name", ("displayName",)),
    ({"display_name": "half \ud800"}, "INVALID", "display name", ("displayName",)),
    ({"requires": [CHURN, Path("or/local")]}, "INVALID", "`or/local` is the path of none", ("requires", "1")),
    ({"requires": [Path(f"or/local/models/m{n}") for n in range(201)]}, "LIMIT", "200", ("requires",)),
    ({"url": "javascript:alert(1)"}, "INVALID", "http or https", ("url",)),
    ({"url": "//flows.or.internal/x"}, "INVALID", "http or https", ("url",)),
    ({"url": "https://"}, "INVALID", "http or https", ("url",)),
    ({"url": "http://[::1"}, "INVALID", "http or https", ("url",)),
    ({"url": "https://a.io/" + "x" * 2000}, "INVALID", "http or https", ("url",)),
]


@pytest.mark.parametrize(("given", "code", "said", "path"), WRONG)
async def test_what_cannot_be_should_be_refused_where_it_stands(
    workflows: Workflows, given: dict[str, Any], code: str, said: str, path: tuple[str, ...]
) -> None:
    with pytest.raises(Refused) as refusal:
        await workflows.declare(new(**{"name": "nightly", **given}))
    (problem,) = refusal.value.problems
    assert (problem.code.value, problem.path) == (code, path)
    assert re.search(re.escape(said), problem.message, re.IGNORECASE)
    await workflows.load()
    assert workflows.all() == []


async def test_all_that_is_wrong_should_be_said_at_once(workflows: Workflows) -> None:
    with pytest.raises(Refused) as refusal:
        await workflows.declare(new("No", requires=[LOCAL], url="ftp://x"))
    assert [one.path[0] for one in refusal.value.problems] == ["name", "requires", "url"]


async def test_another_server_should_hear_of_it_by_the_number_of_the_hierarchy(
    hierarchy: Hierarchy, workflows: Workflows
) -> None:
    other = Hierarchy()
    before = (await other.current()).number
    made = await workflows.declare(new())
    assert (await other.current()).number > before
    elsewhere = Workflows(other)
    await elsewhere.load()
    assert elsewhere.all() == [made]
    # The number of a removal is one more.
    before = other.latest.number
    await workflows.remove(LOCAL, "nightly")
    assert (await other.current()).number > before


async def test_followers_should_be_called_when_there_are_others_and_only_then(workflows: Workflows) -> None:
    told: list[int] = []
    follower: Callable[[], None] = lambda: told.append(len(workflows.all()))  # noqa: E731
    workflows.follow(follower)
    await workflows.load()
    await workflows.declare(new())
    await workflows.declare(new())
    await workflows.load()
    await workflows.remove(LOCAL, "nightly")
    assert told == [1, 0]


async def test_loading_any_number_should_be_one_statement(workflows: Workflows, counting: Counting) -> None:
    for number in range(5):
        await workflows.declare(new(f"flow-{number}"))
    async with counting() as statements:
        await workflows.load()
    assert len(statements) == 1
