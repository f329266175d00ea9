"""What a refusal or a warning tells somebody who may not see all of the hierarchy."""

from typing import Any

import pytest

from nexus_gql.access import LOCAL_VIEWER, Role, Viewer
from nexus_gql.access.scope import scope
from nexus_gql.hierarchy import (
    ApplicationKind,
    Concern,
    LevelChange,
    NewLevel,
    check_clone,
    checked_patch,
    create,
    out_of_sight,
    update,
)
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused

from .conftest import House, cluster


def somebody(path: str, role: Role = Role.ADMIN) -> Viewer:
    return Viewer("ann", "test", scope([(Path(path), role)]))


# ── names that are taken on a cluster ──

HIDDEN = "a-b/c/x"
"""Its Kubernetes name is `a-b-c-x`, as that of `a/b-c/x` and `a/b/c-x` would be."""


@pytest.fixture
async def shared(empty_house: House) -> tuple[House, str]:
    """Two projects on one cluster, the second of which has the namespace `HIDDEN` there."""
    dev = await cluster()
    for project, environment, cluster_id in (("a-b", "c", dev), ("a", "b-c", dev), ("a", "b", None)):
        if Path(project) not in empty_house.hierarchy.latest.levels:
            await empty_house.project(project)
        await empty_house.environment(environment, project, cluster_id=cluster_id)
    await empty_house.namespace("x", "a-b/c")
    await empty_house.namespace("c-x", "a/b")
    await empty_house.environment("source", "a", cluster_id=dev)
    await empty_house.namespace("x", "a/source")
    return empty_house, dev


async def made_there(house: House, _: str, viewer: Viewer) -> None:
    new = NewLevel(parent=Path("a/b-c"), name="x", concern=Concern.MDK)
    await create(house.hierarchy, house.vault, viewer, new)


async def moved_there(house: House, dev: str, viewer: Viewer) -> None:
    await update(house.hierarchy, viewer, Path("a/b"), LevelChange(fields={"cluster": dev}), None)


async def copied_there(house: House, dev: str, viewer: Viewer) -> None:
    await house.namespace("c-x", "a/source")
    check_clone(await house.hierarchy.current(), viewer, Path("a/source"), "b2", dev)
    await house.application("app", "a/source/x")
    await house.environment("d", "a-b", cluster_id=dev)
    await house.namespace("x", "a-b/d")
    check_clone(await house.hierarchy.current(), viewer, Path("a/source"), "b-d", dev)


@pytest.mark.parametrize("attempt", [made_there, moved_there, copied_there])
async def test_a_taken_name_should_be_told_with_its_holder_to_those_only_who_see_that_one(
    shared: tuple[House, str], attempt: Any
) -> None:
    house, dev = shared
    with pytest.raises(Refused) as refused:
        await attempt(house, dev, somebody("a"))
    (problem,) = refused.value.problems
    assert problem.code is ProblemCode.ALREADY_EXISTS
    assert "a-b/" not in f"{problem}"
    assert "you may not see" in problem.message


@pytest.mark.parametrize("attempt", [made_there, moved_there])
@pytest.mark.parametrize(
    "viewer", [LOCAL_VIEWER, Viewer("ann", "test", scope([(Path("a"), Role.ADMIN), (Path(HIDDEN), Role.VIEWER)]))]
)
async def test_a_taken_name_should_be_told_with_its_holder_to_who_sees_that_one(
    shared: tuple[House, str], attempt: Any, viewer: Viewer
) -> None:
    with pytest.raises(Refused) as refused:
        await attempt(*shared, viewer)
    (problem,) = refused.value.problems
    assert f"`{HIDDEN}`" in problem.message


# ── a place of another kind ──


@pytest.mark.parametrize(
    ("viewer", "told"),
    [
        pytest.param(somebody("or"), "project", id="seen"),
        pytest.param(somebody("or/local/models", Role.VIEWER), "project", id="seen by its name"),
        pytest.param(somebody("other"), None, id="hidden"),
    ],
)
async def test_a_place_of_another_kind_should_be_told_to_who_sees_it(
    house: House, viewer: Viewer, told: str | None
) -> None:
    new = NewLevel(parent=Path("or"), name="x", concern=Concern.MDK)
    with pytest.raises(Refused) as refused:
        await create(house.hierarchy, house.vault, viewer, new)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == (ProblemCode.NOT_FOUND, ("environment",))
    assert ("another kind (project)" in problem.message) is (told is not None)
    assert problem.message.startswith("There is no")


# ── references ──


def refers(ref: str) -> dict[str, Any]:
    return {"env": [{"name": "U", "value": {"service": {"ref": ref}}}], "dependsOn": [{"ref": ref, "need": "OPTIONAL"}]}


@pytest.fixture
async def references(house: House) -> House:
    """`or/local/ddk/hidden`, of which somebody at `or/local/models` sees nothing."""
    await house.namespace("ddk")
    await house.application("hidden", "or/local/ddk")
    house.viewer = somebody("or/local/models", Role.DEPLOYER)
    return house


def without_name(problems: list[Problem], name: str) -> list[str]:
    return [repr(problem).replace(name, "…") for problem in problems]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_reference_to_what_is_hidden_should_be_told_as_one_to_nothing(references: House, dry_run: bool) -> None:
    """Anybody who could configure one application could try what others there are."""
    hidden = await references.configure("or/local/models/churn", refers("ddk/hidden"), dry_run=dry_run)
    nothing = await references.configure("or/local/models/churn", refers("ddk/nothing"), dry_run=dry_run)
    assert [warning.code for warning in hidden.warnings] == [ProblemCode.MISSING_REFERENCE] * 2
    assert without_name(hidden.warnings, "hidden") == without_name(nothing.warnings, "nothing")


async def test_a_reference_to_what_is_seen_should_have_no_warning(references: House) -> None:
    done = await references.configure("or/local/models/churn", refers("fraud"))
    assert done.warnings == []


async def test_only_what_a_patch_sets_itself_should_be_out_of_sight(references: House) -> None:
    path, viewer = Path("or/local/models/churn"), references.viewer
    references.viewer = LOCAL_VIEWER
    await references.configure(path, {"env": [{"name": "OLD", "value": {"service": {"ref": "ddk/hidden"}}}]})
    await references.configure(path, {"env": [{"name": "NEW", "value": {"service": {"ref": "ddk/hidden"}}}]})
    catalogue = await references.hierarchy.current()
    patch, _ = checked_patch({"env": [{"name": "NEW", "value": {"service": {"ref": "ddk/hidden"}}}]}, "patch")
    assert out_of_sight(catalogue, viewer, path, patch) == {"env.NEW"}
    assert out_of_sight(catalogue, LOCAL_VIEWER, path, patch) == frozenset()


@pytest.mark.parametrize(("ref", "codes"), [("ddk/none", 2), ("ddk/hidden", 2), ("fraud", 0)])
async def test_a_new_application_should_be_warned_of_references_as_configure_does(
    references: House, ref: str, codes: int
) -> None:
    new = NewLevel(parent=Path("or/local/models"), name="new", kind=ApplicationKind.MODEL, settings=refers(ref))
    made = await create(references.hierarchy, references.vault, references.viewer, new)
    assert [warning.code for warning in made.warnings] == [ProblemCode.MISSING_REFERENCE] * codes
    assert {warning.path for warning in made.warnings} <= {("settings", "env", "0"), ("settings", "dependsOn", "0")}
    assert made.level.path == "or/local/models/new"
