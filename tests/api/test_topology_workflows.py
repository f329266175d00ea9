"""Workflows: declared, declared anew, removed, and whether they can run."""

from typing import Any

from .hierarchy import configure, declare, declare_all
from .people import person
from .server import Nexus
from .topology_graph import WORKFLOW, declare_workflow
from .topology_world import done, once

CHURN, FEATURES, LATER = "or/local/models/churn", "or/local/ddk/features", "or/local/models/later"
QUESTION = """query ($name: String!) { workflow(environment: "or/local", name: $name) { id name displayName url ready
  environment { path } requires { path ready message application { path } } blockedBy { path ready message } } }"""
REMOVE = """mutation ($name: String!) { removeWorkflow(environment: "or/local", name: $name) {
  deleted impact { impaired { distance } } problems { code path message } } }"""


async def workflow(nexus: Nexus, name: str, token: str | None = None) -> Any:
    return (await nexus.execute(QUESTION, {"name": name}, token))["workflow"]


async def test_a_workflow_should_be_as_it_was_declared_last(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    first = await declare_workflow(
        nexus, "nightly", CHURN, LATER, CHURN, displayName="Every night", url="https://a.test/1"
    )
    found = await workflow(nexus, "nightly")
    assert (found["id"], found["displayName"], found["url"]) == (first, "Every night", "https://a.test/1")
    assert found["environment"] == {"path": "or/local"}
    assert [(one["path"], one["application"]) for one in found["requires"]] == [(CHURN, {"path": CHURN}), (LATER, None)]
    assert (found["ready"], [one["path"] for one in found["blockedBy"]]) == (False, [CHURN, LATER])
    assert LATER in found["blockedBy"][1]["message"]
    assert found["blockedBy"][0]["message"] == "It was never deployed."

    assert await declare_workflow(nexus, "nightly", LATER) == first
    found = await workflow(nexus, "nightly")
    assert (found["displayName"], found["url"]) == ("nightly", None)
    assert [one["path"] for one in found["requires"]] == [LATER]


async def test_a_workflow_that_requires_nothing_should_be_ready(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local")
    await declare_workflow(nexus, "free")
    found = await workflow(nexus, "free")
    assert (found["ready"], found["requires"], found["blockedBy"]) == (True, [], [])


async def test_a_removed_workflow_should_be_gone_and_another_of_its_name_another(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    first = await declare_workflow(nexus, "nightly", LATER)
    removed = await nexus.mutate(REMOVE, {"name": "nightly"})
    assert (removed["deleted"], removed["impact"]) == (first, None)
    assert await workflow(nexus, "nightly") is None
    nodes = (await nexus.execute('{ topology(scope: "or") { nodes { label } } }'))["topology"]["nodes"]
    assert nodes == [{"label": "churn"}]  # what nobody declared was there for the workflow alone
    again = (await nexus.execute(REMOVE, {"name": "nightly"}))["removeWorkflow"]
    assert [(one["code"], one["path"]) for one in again["problems"]] == [("NOT_FOUND", ["name"])]
    assert await declare_workflow(nexus, "nightly", CHURN) != first


async def test_a_workflow_should_go_with_its_environment(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    key = await declare_workflow(nexus, "nightly", CHURN)
    await nexus.mutate('mutation { deleteLevel(path: "or/local") { deleted problems { code } } }')
    answer = await nexus.execute(
        """query ($id: ID!) { node(id: $id) { id } search(text: "nightly") { __typename }
        project(path: "or") { workflows { name } } topology(scope: "or") { nodes { label } } }""",
        {"id": key},
    )
    assert (answer["node"], answer["search"], answer["project"]) == (None, [], {"workflows": []})
    assert answer["topology"] == {"nodes": []}


async def test_workflows_should_be_listed_searched_and_found_by_id(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN, "or/prod", "other/local")
    ids = {name: await declare_workflow(nexus, name, CHURN) for name in ("weekly", "nightly")}
    for environment in ("or/prod", "other/local"):
        given = {"environment": environment, "name": "nightly", "displayName": "Yearly", "requires": [LATER]}
        await nexus.mutate(WORKFLOW, given)
    document = """query ($ids: [ID!]!) { project(path: "or") { workflows { name environment { path } } }
      search(text: "nightly") { __typename ... on Workflow { name environment { path } } }
      year: search(text: "year") { ... on Workflow { displayName } }
      nodes(ids: $ids) { kind: __typename id ... on Workflow { name } } }"""
    answer = await nexus.execute(document, {"ids": list(ids.values())})
    listed = [(one["environment"]["path"], one["name"]) for one in answer["project"]["workflows"]]
    assert listed == [("or/local", "nightly"), ("or/local", "weekly"), ("or/prod", "nightly")]
    found = [one["environment"]["path"] for one in answer["search"]]
    assert found == ["or/local", "or/prod", "other/local"]
    assert answer["year"] == [{"displayName": "Yearly"}] * 2
    assert answer["nodes"] == [{"kind": "Workflow", "id": key, "name": name} for name, key in ids.items()]


async def test_a_workflow_should_be_ready_once_all_that_it_requires_is(on_sandbox: Nexus) -> None:
    nexus = on_sandbox
    await declare(nexus, "or/local/ddk")
    await configure(nexus, "or", {"image": {"repository": "or/model", "tag": "1.0"}})
    for path in (FEATURES, CHURN):
        await declare(nexus, path)
        await done(nexus, f'deploy(path: "{path}")')
    await configure(nexus, CHURN, {"dependsOn": [{"ref": "ddk/features"}]})
    await declare_workflow(nexus, "nightly", CHURN)

    async def until(ready: bool, blocked: str = "") -> Any:
        """Its answer, once it is (not) ready, and that is said of what blocks it: the graph follows what it hears."""

        async def seen() -> Any:
            found = await workflow(nexus, "nightly")
            said = " ".join(one["message"] for one in found["blockedBy"])
            return found if found["ready"] is ready and blocked in said else None

        return await once(nexus, seen)

    found = await until(ready=True)
    assert (found["blockedBy"], found["requires"][0]["message"]) == ([], "It is ready.")
    await done(nexus, f'scale(path: "{FEATURES}", replicas: 0)')
    found = await until(ready=False)
    assert found["blockedBy"] == [
        {"path": CHURN, "ready": False, "message": f"It runs, but what it requires does not: {FEATURES}."}
    ]
    await done(nexus, f'scale(path: "{CHURN}", replicas: 0)')
    await until(ready=False, blocked="scaled to zero")


async def test_each_should_see_the_workflows_of_their_environments_and_no_more_than_is_theirs(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN, FEATURES, "or/prod/models/secret")
    key = await declare_workflow(guarded, "nightly", CHURN, "or/prod/models/secret")
    ann = await person(guarded, "ann", {"or/local": "VIEWER"})
    found = await workflow(guarded, "nightly", ann)
    # The path is what the workflow says; that there is something at it is not told.
    there, nowhere = found["requires"][1], "or/prod/models/nowhere"
    assert (there["application"], there["ready"]) == (None, False)
    await declare_workflow(guarded, "other", nowhere)
    not_there = (await workflow(guarded, "other", ann))["requires"][0]
    assert there["message"].replace("or/prod/models/secret", nowhere) == not_there["message"]
    nodes = (await guarded.execute('{ topology(scope: "or/local") { nodes { label kind } } }', token=ann))["topology"]
    assert {"label": "", "kind": "HIDDEN"} in nodes["nodes"]

    document = """query ($id: ID!) { node(id: $id) { id } search(text: "nightly") { __typename }
      projects { workflows { name } } }"""
    bob = await person(guarded, "bob", {"or/local/models": "ADMIN"})
    answer = await guarded.execute(document, {"id": key}, bob)
    assert (answer["node"], answer["search"], answer["projects"]) == (None, [], [{"workflows": []}])
    assert await workflow(guarded, "nightly", bob) is None
    given = {"environment": "or/local", "name": "mine", "requires": [CHURN]}
    refused = (await guarded.execute(WORKFLOW, given, bob))["declareWorkflow"]["problems"]
    assert [(one["code"], one["path"]) for one in refused] == [("FORBIDDEN", ["environment"])]
    refused = (await guarded.execute(REMOVE, {"name": "nightly"}, ann))["removeWorkflow"]["problems"]
    assert [(one["code"], one["path"]) for one in refused] == [("FORBIDDEN", ["environment"])]
    assert await workflow(guarded, "nightly") is not None
