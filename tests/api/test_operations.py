"""Operations as far as they need no cluster that answers: asked for, repeated, superseded, listed, cancelled."""

from typing import Any

import pytest

from .hierarchy import configure, declare_deployable, hold, value
from .server import Nexus

CHURN, DEMAND = "or/local/models/churn", "or/local/models/demand"

DEPLOY = """mutation ($path: Path!, $patch: SettingsPatch, $options: OperationOptions) {
  deploy(path: $path, patch: $patch, options: $options) {
    operation { id kind status path paths application { path } cluster { name } requestedBy reason progress message
      steps { name status } failure { reason } revision { number } createdAt startedAt finishedAt }
    problems { code path } warnings { code path } } }"""
REMOVE = """mutation ($path: Path!, $options: OperationOptions) {
  remove(path: $path, options: $options) { operation { id kind status } problems { code path } } }"""
CANCEL = "mutation ($id: ID!) { cancelOperation(id: $id) { operation { id status message finishedAt } problems { code path } } }"
FOLLOW = "subscription ($id: ID!) { operation(id: $id) { status finishedAt } }"
LIST = """query ($scope: Path, $status: [OperationStatus!], $first: Int, $after: String) {
  operations(scope: $scope, status: $status, first: $first, after: $after) {
    nodes { id kind status } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture(autouse=True)
async def two_applications(nexus: Nexus) -> None:
    await declare_deployable(nexus, CHURN, DEMAND)


async def deploy(nexus: Nexus, path: str = CHURN, **more: Any) -> Any:
    return (await nexus.mutate(DEPLOY, {"path": path} | more))["operation"]


async def test_what_is_asked_for_should_be_there_at_once_and_be_found_again(nexus: Nexus) -> None:
    made = await deploy(nexus, options={"reason": "try it"})
    assert (made["kind"], made["path"], made["paths"], made["application"]) == (
        "DEPLOY",
        CHURN,
        [CHURN],
        {"path": CHURN},
    )
    assert (made["status"], made["requestedBy"], made["reason"], made["progress"]) == (
        "PENDING",
        "local",
        "try it",
        0,
    )
    assert made["cluster"] == {"name": "dead"}
    assert {step["status"] for step in made["steps"]} == {"PENDING"}
    assert (made["failure"], made["finishedAt"]) == (None, None)
    answer = await nexus.execute("query ($id: ID!) { operation(id: $id) { id kind } }", {"id": made["id"]})
    assert answer["operation"] == {"id": made["id"], "kind": "DEPLOY"}
    answer = await nexus.execute(
        "query ($path: Path!) { application(path: $path) { currentOperation { id } } }", {"path": CHURN}
    )
    assert answer["application"]["currentOperation"] == {"id": made["id"]}


async def test_a_patch_should_be_stored_at_the_application_with_the_deployment(nexus: Nexus) -> None:
    await deploy(nexus, patch={"replicas": 4})
    leaf = await value(nexus, CHURN, "replicas")
    assert (leaf["value"], leaf["origin"]["path"]) == (4, CHURN)


async def test_a_dry_run_should_need_the_cluster_and_change_nothing(nexus: Nexus) -> None:
    answer = await nexus.execute(DEPLOY, {"path": CHURN, "patch": {"replicas": 4}, "options": {"dryRun": True}})
    assert answer["deploy"]["problems"] == [{"code": "UNREACHABLE", "path": ["path"]}]
    assert (await value(nexus, CHURN, "replicas"))["value"] == 1
    assert (await nexus.execute(LIST))["operations"]["nodes"] == []


async def test_the_same_request_id_should_give_the_same_operation(nexus: Nexus) -> None:
    options = {"requestId": "run-1", "reason": "nightly"}
    first = await deploy(nexus, patch={"replicas": 2}, options=options)
    again = await deploy(nexus, patch={"replicas": 2}, options=options)
    assert again["id"] == first["id"]
    assert len((await nexus.execute(LIST))["operations"]["nodes"]) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"path": DEMAND, "patch": {"replicas": 2}},
        {"path": CHURN, "patch": {"replicas": 3}},
        {"path": CHURN},
        {"path": CHURN, "patch": {"replicas": 2}, "options": {"requestId": "run-1", "takeOver": True}},
        {"path": CHURN, "patch": {"replicas": 2}, "options": {"requestId": "run-1", "reason": "another"}},
    ],
    ids=["another path", "another patch", "no patch", "other options", "another reason"],
)
async def test_a_request_id_with_other_input_should_be_a_conflict_and_store_nothing(
    nexus: Nexus, other: dict[str, Any]
) -> None:
    await deploy(nexus, patch={"replicas": 2}, options={"requestId": "run-1"})
    answer = await nexus.execute(DEPLOY, {"options": {"requestId": "run-1"}} | other)
    assert answer["deploy"]["problems"] == [{"code": "CONFLICT", "path": ["options", "requestId"]}]
    assert len((await nexus.execute(LIST))["operations"]["nodes"]) == 1
    assert (await value(nexus, CHURN, "replicas"))["value"] == 2


async def test_a_request_id_of_another_mutation_should_be_a_conflict(nexus: Nexus) -> None:
    await deploy(nexus, options={"requestId": "run-1"})
    answer = await nexus.execute(REMOVE, {"path": CHURN, "options": {"requestId": "run-1"}})
    assert answer["remove"]["problems"] == [{"code": "CONFLICT", "path": ["options", "requestId"]}]


async def test_a_stale_version_should_be_a_conflict_and_store_nothing(nexus: Nexus) -> None:
    answer = await nexus.execute(DEPLOY, {"path": CHURN, "patch": {"replicas": 4}, "options": {"expectedVersion": 7}})
    assert answer["deploy"]["problems"] == [{"code": "CONFLICT", "path": ["options", "expectedVersion"]}]
    assert (await value(nexus, CHURN, "replicas"))["value"] == 1


async def test_a_level_with_something_deployed_should_neither_be_deleted_nor_moved(nexus: Nexus) -> None:
    await deploy(nexus)
    for path in (CHURN, "or/local", "or"):
        answer = await nexus.execute(
            "mutation ($path: Path!) { deleteLevel(path: $path) { deleted problems { code path } } }", {"path": path}
        )
        assert answer["deleteLevel"] == {"deleted": None, "problems": [{"code": "IN_USE", "path": ["path"]}]}
    answer = await nexus.execute(
        'mutation { updateLevel(path: "or/local", input: {cluster: null}) { problems { code path } } }'
    )
    assert answer["updateLevel"]["problems"] == [{"code": "IN_USE", "path": ["input", "cluster"]}]


async def test_a_cluster_with_an_environment_should_not_be_forgotten(nexus: Nexus) -> None:
    answer = await nexus.execute('mutation { removeCluster(name: "dead") { deleted problems { code path } } }')
    assert answer["removeCluster"] == {"deleted": None, "problems": [{"code": "IN_USE", "path": ["name"]}]}


async def test_operations_should_be_listed_newest_first_over_pages_that_nothing_moves(nexus: Nexus) -> None:
    made = [(await deploy(nexus, path))["id"] for path in (CHURN, DEMAND, CHURN)]
    first = (await nexus.execute(LIST, {"first": 2}))["operations"]
    assert [node["id"] for node in first["nodes"]] == [made[2], made[1]]
    assert first["pageInfo"]["hasNextPage"] is True
    assert (first["pageInfo"]["startCursor"], first["pageInfo"]["endCursor"]) == tuple(
        edge["cursor"] for edge in first["edges"]
    )
    newest = await deploy(nexus, DEMAND)
    rest = (await nexus.execute(LIST, {"first": 2, "after": first["pageInfo"]["endCursor"]}))["operations"]
    assert [node["id"] for node in rest["nodes"]] == [made[0]]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert (await nexus.execute(LIST, {"first": 1}))["operations"]["nodes"][0]["id"] == newest["id"]


async def test_operations_should_be_told_apart_by_scope_and_status(nexus: Nexus) -> None:
    await hold(nexus, CHURN)
    made = {path: (await deploy(nexus, path))["id"] for path in (CHURN, DEMAND)}
    await nexus.mutate(CANCEL, {"id": made[CHURN]})
    of_churn = (await nexus.execute(LIST, {"scope": CHURN}))["operations"]["nodes"]
    assert (of_churn[0]["id"], of_churn[0]["status"], len(of_churn)) == (made[CHURN], "CANCELLED", 2)
    assert len((await nexus.execute(LIST, {"scope": "or"}))["operations"]["nodes"]) == 3
    assert (await nexus.execute(LIST, {"status": []}))["operations"]["nodes"] == []
    found = (await nexus.execute(LIST, {"status": ["CANCELLED", "FAILED"]}))["operations"]["nodes"]
    assert [node["id"] for node in found] == [made[CHURN]]


async def test_an_operation_that_waits_should_be_cancelled_at_once_and_its_feed_end(nexus: Nexus) -> None:
    await hold(nexus, CHURN)
    made = await deploy(nexus)
    async with nexus.subscribe(FOLLOW, {"id": made["id"]}) as frames:
        states = [await frames.next()]
        assert (await nexus.mutate(CANCEL, {"id": made["id"]}))["operation"]["status"] == "CANCELLED"
        while states[-1] is not None:
            states.append(await frames.next())
    assert [state["operation"]["status"] for state in states if state] == ["PENDING", "CANCELLED"]
    assert states[-2] is not None
    assert states[-2]["operation"]["finishedAt"] is not None
    answer = await nexus.execute(CANCEL, {"id": made["id"]})
    assert answer["cancelOperation"]["problems"] == [{"code": "CONFLICT", "path": ["id"]}]


async def test_an_operation_that_has_ended_should_be_sent_once_and_complete(nexus: Nexus) -> None:
    await hold(nexus, CHURN)
    made = await deploy(nexus)
    await nexus.mutate(CANCEL, {"id": made["id"]})
    async with nexus.subscribe(FOLLOW, {"id": made["id"]}) as frames:
        state = await frames.next()
        assert state is not None
        assert state["operation"]["status"] == "CANCELLED"
        assert await frames.next() is None


async def test_a_newer_deployment_should_take_the_place_of_an_older_one(nexus: Nexus) -> None:
    await hold(nexus, CHURN)
    older = await deploy(nexus)
    async with nexus.subscribe(FOLLOW, {"id": older["id"]}) as frames:
        states = [await frames.next()]
        newer = await deploy(nexus)
        while states[-1] is not None:
            states.append(await frames.next())
    assert [state["operation"]["status"] for state in states if state] == ["PENDING", "SUPERSEDED"]
    assert newer["id"] != older["id"]


async def test_a_removal_should_take_the_place_of_a_deployment_that_waits(nexus: Nexus) -> None:
    await hold(nexus, CHURN)
    older = await deploy(nexus)
    await nexus.mutate(REMOVE, {"path": CHURN})
    answer = await nexus.execute("query ($id: ID!) { operation(id: $id) { status } }", {"id": older["id"]})
    assert answer["operation"]["status"] == "SUPERSEDED"


async def test_the_feed_of_a_scope_should_begin_with_what_is_there_and_tell_what_comes(nexus: Nexus) -> None:
    first = await deploy(nexus)
    document = (
        """subscription { operations(scope: "or/local") { kind position complete upserted { id path } removed } }"""
    )
    async with nexus.subscribe(document) as frames:
        snapshot = await frames.next()
        assert snapshot is not None
        assert snapshot["operations"]["kind"] == "SNAPSHOT"
        assert snapshot["operations"]["complete"] is True
        assert snapshot["operations"]["upserted"] == [{"id": first["id"], "path": CHURN}]
        second = await deploy(nexus, DEMAND)
        seen: set[str] = set()
        while second["id"] not in seen:
            frame = await frames.next()
            assert frame is not None
            assert frame["operations"]["kind"] == "CHANGES"
            seen |= {one["id"] for one in frame["operations"]["upserted"]}


async def test_an_operation_should_stay_the_same_through_what_its_cluster_misses(nexus: Nexus) -> None:
    """What is declared is answered at once, whatever the cluster does."""
    await deploy(nexus)
    document = """query ($path: Path!) { application(path: $path) { path serving state { status message } workload { name }
      effective { document } } }"""
    answer = await nexus.execute(document, {"path": CHURN})
    assert answer.data is not None
    application = answer.data["application"]
    assert application["serving"] is False
    assert application["state"]["status"] in {"UNKNOWN", "MISSING", "PROGRESSING"}
    assert set(answer.codes) <= {"UNREACHABLE"}


ON_A_LEVEL = {
    ("deploy", "or/local"): ("`or/local` is an environment; deploying all that is below", "Deploy its applications"),
    ("scale", "or/local"): ("`or/local` is an environment; only an application is scaled.", "Name one of its"),
    ("restart", "or"): ("`or` is a project; only an application is restarted.", "Name one of its applications."),
    ("run", "or/local/models"): ("`or/local/models` is a namespace; only an application is run.", "Name one of its"),
    ("remove", "or"): ("`or` is a project; only an application is removed.", "`deleteLevel` with `remove`"),
}


@pytest.mark.parametrize("asked", ON_A_LEVEL, ids=" ".join)
async def test_what_is_asked_for_on_a_level_should_be_refused_in_its_own_words(
    nexus: Nexus, asked: tuple[str, str]
) -> None:
    """Whatever was asked for, the answer once was that deploying a whole level is not built yet."""
    field, path = asked
    more = ", replicas: 2" if field == "scale" else ""
    document = (
        f"mutation ($path: Path!) {{ done: {field}(path: $path{more}) {{ problems {{ code path message remedy }} }} }}"
    )
    (problem,) = (await nexus.execute(document, {"path": path}))["done"]["problems"]
    message, remedy = ON_A_LEVEL[asked]
    assert (problem["code"], problem["path"]) == ("UNSUPPORTED", ["path"])
    assert problem["message"].startswith(message)
    assert remedy in problem["remedy"]


async def test_the_ports_of_another_application_should_be_told_to_nobody(nexus: Nexus) -> None:
    """What is refused so is stored where it is found later, and read by those who may not see that application."""
    await configure(nexus, DEMAND, {"ports": [{"name": "internal-7", "port": 7777}]})
    variable = {"name": "DEMAND", "value": {"service": {"ref": "demand", "port": "grpc"}}}
    document = """mutation ($path: Path!, $patch: SettingsPatch) {
      deploy(path: $path, patch: $patch) { problems { code path message remedy } } }"""
    answer = await nexus.execute(document, {"path": CHURN, "patch": {"env": [variable]}})
    (problem,) = answer["deploy"]["problems"]
    assert (problem["code"], problem["path"]) == ("INVALID", ["patch", "env", "0", "value", "service", "port"])
    assert "does not offer" in problem["message"]
    assert "internal-7" not in answer.text
    assert "exposes" in problem["remedy"]
