"""What of the graph is told to whom, searched in the very bytes of the answers."""

from typing import Any

import pytest

from nexus_gql.access import Role, Viewer
from nexus_gql.access.scope import scope
from nexus_gql.paths import Path
from nexus_gql.schema.context import Context
from nexus_gql.schema.graph_sight import in_sight

from .hierarchy import declare
from .people import person
from .server import Nexus
from .topology_graph import (
    API,
    APPLICATION,
    BOARD,
    CHAIN,
    CHURN,
    FEATURES,
    FRAUD,
    HOST,
    IDLE,
    IMPACT,
    LATER,
    SCORE,
    SECRETS,
    STORE,
    TOPOLOGY,
    UNSEEN,
    WORKFLOW,
    ids,
    names,
    topology,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SNAPSHOT = """subscription ($scope: Path!) { topology(scope: $scope) { complete rootCauses
  nodes { id label group causes } edges { id sources { evidence } } } }"""


async def snapshot(nexus: Nexus, scope: str, token: str | None = None) -> str:
    """The very bytes of a snapshot."""
    text, complete = "", False
    async with nexus.subscribe(SNAPSHOT, {"scope": scope}, token) as frames:
        while not complete:
            frame = await frames.next()
            assert frame is not None
            text, complete = text + frame.text, frame["topology"]["complete"]
    return text


async def test_no_user_password_or_query_should_be_in_any_answer(graph: Nexus) -> None:
    document = """{ applications { nodes { dependencies { sources { evidence } node { label } } dependents { sources { evidence } }
      blockedBy { label state { message } } } } project(path: "or") { workflows { blockedBy { message } } } }"""
    answer = await graph.execute(document)
    whole = await graph.execute(TOPOLOGY, {"scope": "or"})
    for text in (answer.text, whole.text, await snapshot(graph, "or")):
        assert "store.or-local-ddk:8080/features" in text
        assert not [one for one in SECRETS if one in text]


async def test_what_is_hidden_should_be_one_node_for_each_need_and_nothing_of_it_told(graph: Nexus) -> None:
    ann = await person(graph, "ann", {"or/local/models": "VIEWER"})
    found = await topology(graph, "or/local/models", ann)
    hidden = [node for node in found["nodes"] if node["kind"] == "HIDDEN"]
    assert [one["id"] for one in hidden] == ["TopologyNode:hidden:OPTIONAL", "TopologyNode:hidden:REQUIRED"]
    called = [node["path"] or node["label"] for node in found["nodes"]]
    assert called == sorted(called)
    for one in hidden:
        nothing = dict.fromkeys(
            ("path", "state", "serving", "application", "workload", "workflow", "usage", "replicas")
        )
        assert one == nothing | {
            "id": one["id"],
            "kind": "HIDDEN",
            "label": "",
            "group": "",
            "impairment": "NONE",
            "causes": [],
            "outside": True,
        }
    assert names(found) == {CHURN, FRAUD, SCORE, IDLE, LATER, HOST, API, ""}
    behind = {one["id"] for one in hidden}
    assert all(edge["sources"] == [] for edge in found["edges"] if {edge["from"], edge["to"]} & behind)
    churn = next(node for node in found["nodes"] if node["path"] == CHURN)
    assert (churn["impairment"], churn["causes"]) == ("IMPAIRED", ["TopologyNode:hidden:REQUIRED"])
    roots = [(one["id"], one["path"]) for one in found["rootCauses"]]
    assert [one for one in roots if one[0] in churn["causes"]] == [("TopologyNode:hidden:REQUIRED", None)]
    assert (roots[-1][1], {one[0] for one in roots} <= {one["id"] for one in found["nodes"]}) == (LATER, True)
    blocked = """{ application(path: "or/local/models/churn") { blockedBy { kind label path } } }"""
    assert (await graph.execute(blocked, token=ann))["application"]["blockedBy"] == [
        {"kind": "HIDDEN", "label": "", "path": None}
    ]


async def test_the_cause_should_not_be_named_to_who_may_not_see_it(graph: Nexus) -> None:
    """The workflow requires what may be seen, which is impaired by what may not."""
    document = """{ workflow(environment: "or/local", name: "weekly") { blockedBy { path message } } }"""
    found = (await graph.execute(document))["workflow"]["blockedBy"][0]
    assert found == {"path": CHURN, "message": f"It runs, but what it requires does not: {STORE}."}
    await declare(graph, "or/other")
    given = {"environment": "or/other", "name": "flow", "requires": [CHURN]}
    await graph.mutate(WORKFLOW, given)
    eve = await person(graph, "eve", {"or/other": "VIEWER", "or/local/models": "VIEWER"})
    document = document.replace("or/local", "or/other").replace("weekly", "flow")
    found = (await graph.execute(document, token=eve))["workflow"]["blockedBy"][0]
    assert found == {"path": CHURN, "message": "What it requires does not run."}
    await graph.mutate('mutation { deleteLevel(path: "or/other") { deleted problems { code } } }')


async def test_nothing_of_what_is_hidden_should_be_in_the_bytes_of_any_answer(graph: Nexus) -> None:
    ann = await person(graph, "ann", {"or/local/models": "VIEWER"})
    node = await ids(graph)
    everything = await topology(graph)
    by_id = "query ($ids: [ID!]!) { nodes(ids: $ids) { kind: __typename } }"
    questions: list[tuple[str, dict[str, Any]]] = [
        (TOPOLOGY, {"scope": "or/local/models"}),
        (TOPOLOGY, {"scope": "or/local/models", "filter": {"unhealthyOnly": True}}),
        (TOPOLOGY, {"scope": CHURN}),
        (TOPOLOGY, {"scope": "or/local/models", "filter": {"focus": node[FEATURES]}}),
        (CHAIN.replace("or/local/web", CHURN), {"from": node[CHURN], "to": node[STORE]}),
        (CHAIN.replace("or/local/web", CHURN), {"from": node["weekly"], "to": node[CHURN]}),
        (IMPACT.replace("or/local/web", CHURN), {"nodes": [node[STORE], node[FEATURES]]}),
        (IMPACT.replace("or/local/web", CHURN), {"nodes": [node[CHURN]]}),
        *((APPLICATION, {"path": path}) for path in (CHURN, FRAUD, SCORE, IDLE)),
        ('{ project(path: "or") { workflows { name } } search(text: "ly") { __typename } }', {}),
        ('{ workflow(environment: "or/local", name: "nightly") { name } }', {}),
    ]
    keys = {node[one].rpartition(":")[2] for one in (STORE, FEATURES, BOARD, "nightly", "weekly", "legacy")}
    for document, variables in questions:
        answer = await graph.execute(document, variables, ann)
        assert answer.errors == []
        # What an application of theirs declares to need is a setting of its own, and shown as one elsewhere; here it is not.
        assert not [one for one in (*UNSEEN, *keys, *SECRETS) if one in answer.text], answer.text
    sent = await snapshot(graph, "or/local/models", ann)
    assert not [one for one in (*UNSEEN, *keys, *SECRETS) if one in sent]
    theirs = await topology(graph, "or/local/models", ann)
    unseen = [one["id"] for one in everything["nodes"] if one["id"] not in {each["id"] for each in theirs["nodes"]}]
    unseen += [one["id"] for one in everything["edges"] if one["id"] not in {each["id"] for each in theirs["edges"]}]
    assert len(unseen) > 10
    assert (await graph.execute(by_id, {"ids": unseen}, ann))["nodes"] == [None] * len(unseen)
    ours = [one["id"] for one in (*theirs["nodes"], *theirs["edges"])]
    assert None not in (await graph.execute(by_id, {"ids": ours}, ann))["nodes"]


async def test_a_circle_through_what_is_hidden_should_not_be_one(graph: Nexus) -> None:
    bob = await person(graph, "bob", {SCORE: "VIEWER"})
    found = await topology(graph, SCORE, bob)
    assert found["cycles"] == []
    assert names(found) == {SCORE, ""}
    assert found["deployOrder"] == [[SCORE]]


async def test_a_list_of_ones_own_should_look_at_the_graph_once(graph: Nexus) -> None:
    """Each item asks for its neighbours; what somebody may see of the graph is made out once for all of them."""
    ann = await person(graph, "ann", {"or/local/models": "VIEWER"})
    document = "{ applications { nodes { path dependencies { node { label } } blockedBy { label } impact { impaired { distance } } } } }"
    nodes = (await graph.execute(document, token=ann))["applications"]["nodes"]
    assert [one["path"] for one in nodes] == [CHURN, FRAUD, IDLE, SCORE]
    assert nodes[0]["dependencies"] == [{"node": {"label": ""}}, {"node": {"label": API}}]
    context = Context(Viewer("ann", "test", scope([(Path("or/local/models"), Role.VIEWER)])), graph.rooms)
    picture = graph.rooms.topology.picture
    sight = in_sight(context, picture)
    assert in_sight(context, picture) is sight
    assert sight.nodes.keys() < picture.nodes.keys() | {"hidden:REQUIRED", "hidden:OPTIONAL"}
