"""The table of mutations against each role: who may, who is told FORBIDDEN, and to whom nothing is there."""

from typing import Any, NamedTuple

import pytest
from graphql import GraphQLObjectType

from nexus_gql.access import MUTATIONS
from nexus_gql.schema import build_schema

from .hierarchy import declare, declare_deployable, hold
from .people import person
from .server import Answer, Nexus
from .test_wrong_input import DOCUMENTS

CHURN = "or/local/models/churn"


class Row(NamedTuple):
    """What is asked, the least role that may, where it must be held, and where in the input the refusal points."""

    given: dict[str, Any]
    role: str
    where: str | None
    path: list[str]
    code: str | None = None
    """The code of the Problem that whoever may gets nevertheless, since there is no cluster."""


KUBECONFIG = {"kubeconfig": {"content": "{}"}}

TABLE = {
    "createProject": Row({"input": {"name": "new"}}, "ADMIN", None, ["input"]),
    "createEnvironment": Row({"input": {"project": "or", "name": "new"}}, "ADMIN", "or", ["input", "project"]),
    "cloneEnvironment": Row({"path": "or/local", "name": "copy"}, "ADMIN", "or", ["path"]),
    "createNamespace": Row(
        {"input": {"environment": "or/local", "name": "new"}}, "DEPLOYER", "or/local", ["input", "environment"]
    ),
    "createApplication": Row(
        {"input": {"namespace": "or/local/models", "name": "new"}},
        "DEPLOYER",
        "or/local/models",
        ["input", "namespace"],
    ),
    "updateLevel": Row({"path": CHURN, "input": {"description": "x"}}, "DEPLOYER", CHURN, ["path"]),
    "deleteLevel": Row({"path": "or/local/models/idle"}, "DEPLOYER", "or/local/models", ["path"]),
    "configure": Row({"path": CHURN, "patch": {"replicas": 2}}, "DEPLOYER", CHURN, ["path"]),
    "deploy": Row({"path": CHURN}, "DEPLOYER", CHURN, ["path"]),
    "scale": Row(
        {"path": "or/local/models/idle", "replicas": 2}, "DEPLOYER", "or/local/models/idle", ["path"], "INVALID"
    ),
    "restart": Row({"path": "or/local/models/idle"}, "DEPLOYER", "or/local/models/idle", ["path"], "INVALID"),
    "run": Row({"path": "or/local/models/idle"}, "DEPLOYER", "or/local/models/idle", ["path"], "UNSUPPORTED"),
    "remove": Row({"path": "or/local/models/idle"}, "DEPLOYER", "or/local/models/idle", ["path"], "INVALID"),
    "cancelOperation": Row({"id": "of churn"}, "DEPLOYER", CHURN, ["id"]),
    "registerCluster": Row({"name": "new", "input": KUBECONFIG}, "ADMIN", None, ["name"], "INVALID"),
    "updateCluster": Row({"name": "dead", "input": KUBECONFIG}, "ADMIN", None, ["name"], "INVALID"),
    "removeCluster": Row({"name": "dead"}, "ADMIN", None, ["name"], "IN_USE"),
    "declareWorkflow": Row(
        {"environment": "or/local", "name": "nightly", "requires": [CHURN]}, "DEPLOYER", "or/local", ["environment"]
    ),
    "removeWorkflow": Row(
        {"environment": "or/local", "name": "gone"}, "DEPLOYER", "or/local", ["environment"], "NOT_FOUND"
    ),
    "grant": Row({"subject": "eve", "role": "VIEWER", "path": CHURN}, "ADMIN", CHURN, ["path"]),
    "createToken": Row({"name": "new", "role": "VIEWER", "path": CHURN}, "VIEWER", CHURN, ["path"]),
    "revokeToken": Row({"id": "own"}, "NONE", None, ["id"]),
}

ROLES = ["NONE", "VIEWER", "DEPLOYER", "ADMIN"]


def test_every_mutation_of_the_schema_should_stand_in_the_table() -> None:
    mutation = build_schema()._schema.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    assert TABLE.keys() == set(mutation.fields) == MUTATIONS.keys()


@pytest.fixture(autouse=True)
async def hierarchy(guarded: Nexus) -> None:
    await declare_deployable(guarded, CHURN, "or/local/models/idle")


async def ask(guarded: Nexus, mutation: str, token: str) -> Answer:
    given = dict(TABLE[mutation].given)
    if mutation == "cancelOperation":
        await hold(guarded, CHURN)
        made = await guarded.mutate(
            f'mutation {{ deploy(path: "{CHURN}") {{ operation {{ id }} problems {{ code }} }} }}'
        )
        given["id"] = made["operation"]["id"]
    if mutation == "revokeToken":
        own = (await guarded.execute("{ tokens { id } }", token=token))["tokens"]
        given["id"] = own[0]["id"]
    return await guarded.execute(
        f"mutation {DOCUMENTS[mutation]} {{ problems {{ code path message }} }} }}", given, token
    )


def problems(answer: Answer, mutation: str) -> list[tuple[str, list[str]]]:
    return [(one["code"], one["path"]) for one in answer[mutation]["problems"]]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("mutation", TABLE)
async def test_each_role_should_be_let_do_what_the_table_says(guarded: Nexus, mutation: str, role: str) -> None:
    row = TABLE[mutation]
    token = await person(guarded, "ann", {row.where: role} if role != "NONE" else {})
    found = problems(await ask(guarded, mutation, token), mutation)
    if ROLES.index(role) >= ROLES.index(row.role):
        assert [code for code, _ in found] == ([] if row.code is None else [row.code])
    elif role == "NONE" and row.where is not None:
        assert found == [("NOT_FOUND", row.path)]  # what they may not see is not there
    else:
        assert found == [("FORBIDDEN", row.path)]


@pytest.mark.parametrize("mutation", [name for name, row in TABLE.items() if row.where is not None])
async def test_a_role_somewhere_else_should_not_help(guarded: Nexus, mutation: str) -> None:
    await declare(guarded, "other")
    token = await person(guarded, "ann", {"other": "ADMIN"})
    assert problems(await ask(guarded, mutation, token), mutation) == [("NOT_FOUND", TABLE[mutation].path)]


@pytest.mark.parametrize(
    "mutation", [name for name, row in TABLE.items() if row.where in {"or", "or/local", "or/local/models"}]
)
async def test_what_is_only_glimpsed_should_be_forbidden_to_change(guarded: Nexus, mutation: str) -> None:
    """They see its name, so it is no secret that it is there."""
    token = await person(guarded, "ann", {CHURN: "ADMIN"})
    found = problems(await ask(guarded, mutation, token), mutation)
    assert found == [("NOT_FOUND" if mutation == "deleteLevel" else "FORBIDDEN", TABLE[mutation].path)]


async def test_a_refusal_should_name_the_role_and_the_place_and_change_nothing(guarded: Nexus) -> None:
    token = await person(guarded, "ann", {"or": "VIEWER"})
    document = "mutation ($path: Path!) { configure(path: $path, patch: {replicas: 2}) { level { path } problems { message remedy } } }"
    payload = (await guarded.execute(document, {"path": CHURN}, token))["configure"]
    assert payload["level"] is None
    (problem,) = payload["problems"]
    assert "DEPLOYER" in problem["message"]
    assert CHURN in problem["message"]
    assert problem["remedy"]
    answer = await guarded.execute("query ($path: Path!) { level(path: $path) { version } }", {"path": CHURN})
    assert answer["level"]["version"] == 1


@pytest.mark.parametrize("given", [{"stage": "PRODUCTION"}, {"cluster": None}])
async def test_stage_and_cluster_should_need_an_administrator(guarded: Nexus, given: dict[str, Any]) -> None:
    deployer = await person(guarded, "ann", {"or/local": "DEPLOYER"})
    document = 'mutation ($input: UpdateLevelInput!) { updateLevel(path: "or/local", input: $input) { problems { code path } } }'
    answer = await guarded.execute(document, {"input": {"displayName": "Mine"} | given}, deployer)
    assert answer["updateLevel"]["problems"] == [{"code": "FORBIDDEN", "path": ["input", *given]}]
    answer = await guarded.execute('{ level(path: "or/local") { displayName } }')
    assert answer["level"]["displayName"] == "local"
    admin = await person(guarded, "bob", {"or/local": "ADMIN"})
    assert (await guarded.execute(document, {"input": given}, admin))["updateLevel"]["problems"] == []


async def test_a_kubernetes_name_of_ones_own_should_need_an_administrator_of_everything(guarded: Nexus) -> None:
    admin = await person(guarded, "ann", {"or": "ADMIN"})
    document = """mutation ($name: String!) { createNamespace(input: {environment: "or/local", name: "new", kubernetesName: $name}) {
      problems { code path } } }"""
    answer = await guarded.execute(document, {"name": "someone-elses"}, admin)
    assert answer["createNamespace"]["problems"] == [{"code": "FORBIDDEN", "path": ["input", "kubernetesName"]}]
    assert (await guarded.execute(document, {"name": "or-local-new"}, admin))["createNamespace"]["problems"] == []


async def test_connecting_a_cluster_should_need_an_administrator_of_everything(guarded: Nexus) -> None:
    admin = await person(guarded, "ann", {"or": "ADMIN"})
    document = """mutation { createEnvironment(input: {project: "or", name: "new", connect: {kubeconfig: {content: "{}"}}}) {
      problems { code path } } }"""
    answer = await guarded.execute(document, token=admin)
    assert answer["createEnvironment"]["problems"] == [{"code": "FORBIDDEN", "path": ["input", "connect"]}]


async def test_an_operation_that_is_not_to_be_seen_should_not_be_there_to_cancel(guarded: Nexus) -> None:
    await declare(guarded, "other")
    token = await person(guarded, "ann", {"other": "ADMIN"})
    made = await guarded.mutate(f'mutation {{ deploy(path: "{CHURN}") {{ operation {{ id }} problems {{ code }} }} }}')
    document = "query ($id: ID!) { operation(id: $id) { id } operations { nodes { id } } }"
    answer = await guarded.execute(document, {"id": made["operation"]["id"]}, token)
    assert answer.data == {"operation": None, "operations": {"nodes": []}}
