"""Making, changing and deleting levels, in a real database."""

from itertools import pairwise
from typing import Any

import pytest

from nexus_gql import access
from nexus_gql.access import Role, Viewer
from nexus_gql.hierarchy import (
    ApplicationKind,
    Change,
    Concern,
    Environment,
    Hierarchy,
    LevelChange,
    Namespace,
    NewLevel,
    Stage,
    delete,
    update,
)
from nexus_gql.hierarchy.models import Level
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused
from nexus_gql.vault import Secret

from .conftest import House, cluster, everything_stored

CHURN = "or/local/models/churn"


async def refused(house: House, new: NewLevel) -> list[tuple[ProblemCode, tuple[str, ...]]]:
    """What create says no with; and nothing is stored."""
    before = await everything_stored()
    with pytest.raises(Refused) as refusal:
        await house.create(new)
    assert await everything_stored() == before
    return [(problem.code, problem.path) for problem in refusal.value.problems]


async def changed(house: House, path: str, fields: dict[str, Any], version: int | None = None) -> Any:
    return await update(house.hierarchy, house.viewer, Path(path), LevelChange(fields=fields), version)


async def unchanged(house: House, path: str, fields: dict[str, Any], version: int | None = None) -> list[Problem]:
    before = await everything_stored()
    with pytest.raises(Refused) as refusal:
        await changed(house, path, fields, version)
    assert await everything_stored() == before
    return list(refusal.value.problems)


def somebody(**roles: Role) -> Viewer:
    """A viewer with roles: `everywhere=…`, or by path with `__` for the slash."""
    grants = [(None if path == "everywhere" else Path(path.replace("__", "/")), role) for path, role in roles.items()]
    return Viewer("ann", "test", access.scope.scope(grants))


# ── making ──


async def test_a_new_level_should_be_found_with_what_it_was_given(empty_house: House) -> None:
    await empty_house.project(display_name="Optimal Reality", description="All of it")
    await empty_house.environment(stage=Stage.STAGING)
    await empty_house.namespace(concern=Concern.DDK)
    level = await empty_house.application(
        kind=ApplicationKind.FRONTEND, settings={"env": [{"name": "A", "value": {"secret": "hunter2"}}]}
    )
    catalogue = await Hierarchy().current()
    assert catalogue.levels[Path(CHURN)] == level
    assert (level.display_name, level.version) == ("churn", 1)
    assert catalogue.levels[Path("or")].display_name == "Optimal Reality"
    environment = catalogue.get(Environment, Path("or/local"))
    assert environment is not None
    assert environment.stage is Stage.STAGING
    stored = await Secret.get()
    assert level.document == {"env.A": {"secret": str(stored.id)}}
    assert empty_house.vault.decrypt(stored.ciphertext, row=stored.id, column=stored.key) == "hunter2"


NAMES = ["", "Or", "o r", "o_r", "-or", "or-", "a" * 64, "a/b", "a/b/c/d/e", "or\0", "\ud800", "x" * 2_000_000]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:10].encode("unicode_escape").decode())
async def test_a_bad_name_should_be_invalid_at_every_level(house: House, name: str) -> None:
    for new in (
        NewLevel(parent=None, name=name),
        NewLevel(parent=Path("or"), name=name, stage=Stage.LOCAL),
        NewLevel(parent=Path("or/local"), name=name, concern=Concern.MDK),
        NewLevel(parent=Path("or/local/models"), name=name, kind=ApplicationKind.MODEL),
    ):
        assert await refused(house, new) == [(ProblemCode.INVALID, ("name",))]


async def test_an_application_should_not_begin_with_a_digit_since_its_service_cannot(house: House) -> None:
    new = NewLevel(parent=Path("or/local/models"), name="1churn", kind=ApplicationKind.MODEL)
    assert await refused(house, new) == [(ProblemCode.INVALID, ("name",))]
    await house.project("1or")


async def test_a_name_that_is_taken_should_be_said_so(house: House) -> None:
    new = NewLevel(parent=Path("or/local/models"), name="churn", kind=ApplicationKind.MODEL)
    assert await refused(house, new) == [(ProblemCode.ALREADY_EXISTS, ("name",))]


@pytest.mark.parametrize(
    ("new", "argument"),
    [
        (NewLevel(parent=Path("nowhere"), name="x", stage=Stage.LOCAL), "project"),
        (NewLevel(parent=Path("or/local"), name="x", stage=Stage.LOCAL), "project"),
        (NewLevel(parent=Path("or/local/models"), name="x", stage=Stage.LOCAL), "project"),
        (NewLevel(parent=Path(CHURN), name="x", stage=Stage.LOCAL), "project"),
        (NewLevel(parent=Path("or"), name="x", concern=Concern.MDK), "environment"),
        (NewLevel(parent=Path("or/local/models"), name="x", concern=Concern.MDK), "environment"),
        (NewLevel(parent=Path("or/local"), name="x", kind=ApplicationKind.MODEL), "namespace"),
        (NewLevel(parent=Path(CHURN), name="x", kind=ApplicationKind.MODEL), "namespace"),
    ],
)
async def test_a_level_should_be_made_only_below_one_of_the_kind_above(
    house: House, new: NewLevel, argument: str
) -> None:
    """An environment made below an environment was stored as a namespace without a concern, and nothing could be read any more."""
    assert await refused(house, new) == [(ProblemCode.NOT_FOUND, (argument,))]


@pytest.mark.parametrize("text", ["x" * 2_000_000, "a\0b", "\ud800"])
@pytest.mark.parametrize(("argument", "field"), [("displayName", "display_name"), ("description", "description")])
async def test_a_text_that_cannot_be_stored_should_be_invalid(
    house: House, text: str, argument: str, field: str
) -> None:
    given: dict[str, Any] = {field: text}
    new = NewLevel(parent=None, name="new", **given)
    assert await refused(house, new) == [(ProblemCode.INVALID, (argument,))]
    (problem,) = await unchanged(house, "or", {argument: text})
    assert (problem.code, problem.path) == (ProblemCode.INVALID, ("input", argument))


async def test_wrong_settings_should_be_told_with_their_path(house: House) -> None:
    base: dict[str, Any] = {"parent": Path("or/local/models"), "name": "new", "kind": ApplicationKind.MODEL}
    assert await refused(house, NewLevel(**base, settings={"replicas": -1})) == [
        (ProblemCode.INVALID, ("settings", "replicas"))
    ]
    ports = [{"name": "api", "port": 8080}]
    assert await refused(house, NewLevel(**base, settings={"ports": ports})) == [
        (ProblemCode.INVALID, ("settings", "ports", "0"))
    ]
    env = [{"name": f"V{number}", "value": {"text": "x" * 262_144}} for number in range(4)]
    assert await refused(house, NewLevel(**base, settings={"env": env})) == [(ProblemCode.LIMIT, ("settings",))]
    assert await refused(house, NewLevel(**base, settings={"args": ["\ud800"]})) == [
        (ProblemCode.INVALID, ("settings", "args", "0"))
    ]


# ── names on the cluster ──


async def name_on_cluster(house: House, **given: Any) -> str:
    level = await house.namespace(**given)
    assert isinstance(level, Namespace)
    return level.kubernetes_name


async def test_a_namespace_should_have_its_default_name_and_a_long_one_a_cut_one(house: House) -> None:
    assert await name_on_cluster(house, name="ddk") == "or-local-ddk"
    one = await name_on_cluster(house, name="a" * 60)
    other = await name_on_cluster(house, name="a" * 61)
    assert len(one) == len(other) == 63
    assert one != other


async def test_two_namespaces_should_not_share_a_name_on_one_cluster(house: House) -> None:
    dev, other = await cluster("dev"), await cluster("other")
    await house.environment("one", cluster_id=dev)
    await house.environment("two", cluster_id=dev)
    await house.environment("three", cluster_id=other)
    await house.namespace("x", "or/one", kubernetes_name="shared")
    taken = NewLevel(parent=Path("or/two"), name="x", concern=Concern.MDK, kubernetes_name="shared")
    assert await refused(house, taken) == [(ProblemCode.ALREADY_EXISTS, ("kubernetesName",))]
    await house.namespace("x", "or/three", kubernetes_name="shared")


async def test_default_names_that_meet_should_be_told_at_the_name(house: House) -> None:
    dev = await cluster()
    await house.environment("a", cluster_id=dev)
    await house.environment("a-b", cluster_id=dev)
    await house.namespace("b-c", "or/a")
    new = NewLevel(parent=Path("or/a-b"), name="c", concern=Concern.MDK)
    assert await refused(house, new) == [(ProblemCode.ALREADY_EXISTS, ("name",))]


async def test_namespaces_of_one_environment_should_not_share_a_name_even_without_a_cluster(house: House) -> None:
    """They would meet on whatever cluster it is given later, in a constraint of the database."""
    new = NewLevel(parent=Path("or/local"), name="x", concern=Concern.MDK, kubernetes_name="or-local-models")
    assert await refused(house, new) == [(ProblemCode.ALREADY_EXISTS, ("kubernetesName",))]


@pytest.mark.parametrize("name", ["kube-system", "kube-mine", "Upper", "a" * 64, "a.b", "-"])
async def test_a_name_that_kubernetes_keeps_or_refuses_should_be_invalid(house: House, name: str) -> None:
    new = NewLevel(parent=Path("or/local"), name="x", concern=Concern.MDK, kubernetes_name=name)
    assert await refused(house, new) == [(ProblemCode.INVALID, ("kubernetesName",))]


async def test_a_default_name_should_not_be_one_of_kubernetes_own_either(house: House) -> None:
    await house.project("kube")
    await house.environment("local", "kube")
    new = NewLevel(parent=Path("kube/local"), name="x", concern=Concern.MDK)
    assert await refused(house, new) == [(ProblemCode.INVALID, ("name",))]


async def test_another_name_than_the_default_should_need_admin_everywhere(house: House) -> None:
    house.viewer = somebody(**{"or": Role.ADMIN})
    new = NewLevel(parent=Path("or/local"), name="x", concern=Concern.MDK, kubernetes_name="mine")
    assert await refused(house, new) == [(ProblemCode.FORBIDDEN, ("kubernetesName",))]
    await house.namespace("x", kubernetes_name="or-local-x")


# ── changing ──


async def test_a_change_should_count_the_version_up(house: House) -> None:
    level = await changed(house, "or", {"displayName": "OR", "description": "All"}, 1)
    assert (level.display_name, level.description, level.version) == ("OR", "All", 2)
    assert (await Hierarchy().current()).levels[Path("or")] == level


async def test_null_should_clear_a_description_and_give_a_display_name_back(house: House) -> None:
    await changed(house, "or", {"displayName": "OR", "description": "All"})
    level = await changed(house, "or", {"displayName": None, "description": None})
    assert (level.display_name, level.description) == ("or", None)


async def test_a_change_to_what_is_there_should_store_nothing(house: House) -> None:
    level = await changed(house, "or", {"displayName": "or"})
    assert level.version == 1


async def test_a_stale_version_should_be_a_conflict(house: House) -> None:
    (problem,) = await unchanged(house, "or", {"displayName": "OR"}, 7)
    assert (problem.code, problem.path) == (ProblemCode.CONFLICT, ("expectedVersion",))


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("or", {"stage": Stage.LOCAL}),
        ("or", {"kind": ApplicationKind.MODEL}),
        ("or/local", {"concern": Concern.MDK}),
        (CHURN, {"cluster": None}),
        ("or/local", {"stage": None}),
        (CHURN, {"kind": None}),
    ],
)
async def test_what_a_level_does_not_have_should_be_invalid(house: House, path: str, fields: dict[str, Any]) -> None:
    (problem,) = await unchanged(house, path, fields)
    assert (problem.code, problem.path) == (ProblemCode.INVALID, ("input", *fields))


async def test_another_kind_should_have_other_defaults_at_once(house: House) -> None:
    await changed(house, CHURN, {"kind": ApplicationKind.FRONTEND})
    catalogue = await house.hierarchy.current()
    assert catalogue.effective(Path(CHURN)).document["ports.http"] == {"port": 80}


@pytest.mark.parametrize("fields", [{"stage": Stage.PRODUCTION}, {"cluster": None}])
async def test_stage_and_cluster_should_need_admin(house: House, fields: dict[str, Any]) -> None:
    house.viewer = somebody(or__local=Role.DEPLOYER)
    (problem,) = await unchanged(house, "or/local", fields)
    assert (problem.code, problem.path) == (ProblemCode.FORBIDDEN, ("input", *fields))
    await changed(house, "or/local", {"displayName": "Local"})


async def test_an_environment_should_move_with_its_namespaces(house: House) -> None:
    dev = await cluster()
    await changed(house, "or/local", {"cluster": dev})
    catalogue = await house.hierarchy.current()
    environment = catalogue.get(Environment, Path("or/local"))
    assert environment is not None
    assert environment.cluster_id == dev
    row = await Level.get(path="or/local/models").values("cluster_id")
    assert str(row["cluster_id"]) == dev


async def test_an_environment_should_not_move_while_something_runs_there(house: House) -> None:
    dev = await cluster()
    await Level.filter(path=CHURN).update(deployed=True, change=99)
    await _number(99)
    (problem,) = await unchanged(house, "or/local", {"cluster": dev})
    assert (problem.code, problem.path) == (ProblemCode.IN_USE, ("input", "cluster"))
    assert f"`{CHURN}`" in problem.message


async def test_an_environment_should_not_move_to_where_its_names_are_taken(house: House) -> None:
    dev = await cluster()
    await house.environment("other", cluster_id=dev)
    await house.namespace("x", "or/other", kubernetes_name="or-local-models")
    (problem,) = await unchanged(house, "or/local", {"cluster": dev})
    assert (problem.code, problem.path) == (ProblemCode.ALREADY_EXISTS, ("input", "cluster"))


async def _number(changes: int) -> None:
    from nexus_gql.database.models import Installation

    await Installation.all().update(changes=changes)


# ── deleting ──


async def test_a_level_should_be_deleted_with_all_below_and_their_secrets(house: House) -> None:
    await house.configure(CHURN, {"env": [{"name": "A", "value": {"secret": "hunter2"}}]})
    await house.project("other")
    gone = await delete(house.hierarchy, Path("or/local"))
    assert gone.path == "or/local"
    assert set((await Hierarchy().current()).levels) == {"or", "other"}
    assert await Secret.all().count() == 0


async def test_nothing_should_be_deleted_while_something_below_runs(house: House) -> None:
    await Level.filter(path=CHURN).update(deployed=True, change=99)
    await _number(99)
    before = await everything_stored()
    for path in ("or", "or/local", "or/local/models", CHURN):
        with pytest.raises(Refused) as refusal:
            await delete(house.hierarchy, Path(path))
        (problem,) = refusal.value.problems
        assert (problem.code, problem.path) == (ProblemCode.IN_USE, ("path",))
    assert await everything_stored() == before
    await delete(house.hierarchy, Path("or/local/models/fraud"))


async def test_what_is_not_there_should_not_be_deleted(house: House) -> None:
    with pytest.raises(Refused) as refusal:
        await delete(house.hierarchy, Path("or/nowhere"))
    assert refusal.value.problems[0].code is ProblemCode.NOT_FOUND


async def test_a_level_made_again_should_be_another_one(house: House) -> None:
    watcher = Hierarchy()
    await house.configure(CHURN, {"replicas": 7})
    first = (await watcher.current()).levels[Path(CHURN)]
    await delete(house.hierarchy, Path(CHURN))
    await house.application("churn")
    catalogue = await watcher.current()
    again = catalogue.levels[Path(CHURN)]
    assert again.id != first.id
    assert catalogue.by_id(first.id) is None
    assert catalogue.effective(Path(CHURN)).document["replicas"] == 1


# ── following ──


async def test_followers_should_be_told_of_each_change_in_order(house: House) -> None:
    changes: list[Change] = []
    house.hierarchy.follow(changes.append)
    await house.configure("or", {"replicas": 2})
    await house.project("new")
    await delete(house.hierarchy, Path("or/local"))
    assert [[level.path for level in change.upserted] for change in changes] == [["or"], ["new"], []]
    assert sorted(level.path for level in changes[2].removed) == [
        "or/local",
        "or/local/models",
        CHURN,
        "or/local/models/fraud",
    ]
    assert all(later.before is earlier.after for earlier, later in pairwise(changes))


async def test_a_refused_change_should_not_be_announced(house: House) -> None:
    changes: list[Change] = []
    house.hierarchy.follow(changes.append)
    with pytest.raises(Refused):
        await house.configure("or", {"replicas": -1})
    with pytest.raises(Refused):
        await house.project("or")
    await house.hierarchy.current()
    assert changes == []
