"""A graph with something wrong in it, and one of everything: what questions about the graph are asked of.

`or/local` is on a sandbox. What needs what:

    churn.example.org > models/churn > ddk/features > ddk/store, which is scaled to nothing
    web/board > models/churn > api.stripe.com
    models/fraud <> models/score, which need each other; fraud can do without ddk/features
    legacy, which nobody declared > models/churn
    the workflow nightly > models/score
    the workflow weekly > models/churn, models/later (which nobody has declared)
    models/idle, which was never deployed > ddk/features
"""

from typing import Any

from .hierarchy import configure, declare
from .sandboxed import Sandbox
from .server import Nexus
from .topology_world import BESIDE, DDK, deployed, deployment, done, on

STORE, FEATURES = "or/local/ddk/store", "or/local/ddk/features"
CHURN, FRAUD, SCORE, IDLE = (f"or/local/models/{name}" for name in ("churn", "fraud", "score", "idle"))
BOARD = "or/local/web/board"
LATER = "or/local/models/later"
PASSWORD, QUERY, USER = "hunter2pass", "hunter2query", "hunter2user"
SECRETS = (PASSWORD, QUERY, USER)

WORKFLOW = """mutation ($environment: Path!, $name: String!, $displayName: String, $requires: [Path!]!, $url: String) {
  declareWorkflow(environment: $environment, name: $name, displayName: $displayName, requires: $requires, url: $url) {
    workflow { id name } problems { code message path } } }"""


def text(name: str, value: str) -> Any:
    return {"name": name, "value": {"text": value}}


def ref(name: str, target: str) -> Any:
    return {"name": name, "value": {"service": {"ref": target}}}


async def declare_workflow(nexus: Nexus, name: str, *requires: str, **more: Any) -> str:
    """A workflow of `or/local`; its id."""
    given = {"environment": "or/local", "name": name, "requires": list(requires), **more}
    return str((await nexus.mutate(WORKFLOW, given))["workflow"]["id"])


async def build(nexus: Nexus, sandbox: Sandbox) -> None:
    """All of the above."""
    await on(nexus, sandbox)
    await declare(nexus, "or/local/web")
    address = f"postgres://{USER}:{PASSWORD}@store.{DDK}:8080/features?sslkey={QUERY}"
    for path, settings in {
        STORE: {},
        FEATURES: {"env": [text("STORE", address)]},
        CHURN: {
            "env": [ref("FEATURES", "ddk/features"), text("API", f"https://{USER}@api.stripe.com/v1?key={QUERY}")],
            "dependsOn": [{"ref": "ddk/features"}],
            "ingress": [{"name": "main", "host": "churn.example.org"}],
        },
        BOARD: {"env": [ref("CHURN", "models/churn")]},
    }.items():
        await deployed(nexus, path, **settings)
    await deployed(nexus, SCORE)
    await deployed(nexus, FRAUD, dependsOn=[{"ref": "score"}, {"ref": "ddk/features", "need": "OPTIONAL"}])
    await configure(nexus, SCORE, {"dependsOn": [{"ref": "fraud"}]})
    await declare(nexus, IDLE, settings={"dependsOn": [{"ref": "ddk/features"}]})
    legacy = deployment("legacy", {"CHURN": "churn.or-local-models:8080"})
    await sandbox.make(f"/apis/apps/v1/namespaces/{DDK}/deployments", legacy)
    await sandbox.make(f"/apis/apps/v1/namespaces/{BESIDE}/deployments", deployment("stranger"))
    await declare_workflow(nexus, "nightly", SCORE, url="https://flows.example.org/nightly")
    await declare_workflow(nexus, "weekly", CHURN, LATER)
    await done(nexus, f'scale(path: "{STORE}", replicas: 0)')


async def is_built(nexus: Nexus) -> bool:
    """Whether all of it has come to what it is going to be."""
    whole = await topology(nexus)
    wanted = {
        **dict.fromkeys(EVERYTHING, "NONE"),
        **dict.fromkeys(IMPAIRED, "IMPAIRED"),
        **dict.fromkeys(AT_RISK, "AT_RISK"),
    }
    return shown(whole, "impairment") == wanted and not names(await topology(nexus, health=["PROGRESSING"]))


# ── what is asked ──

TOPOLOGY = """query ($scope: Path!, $filter: TopologyFilter) { topology(scope: $scope, filter: $filter) {
  scope position deployOrder cycles rootCauses { id path label }
  nodes { id label kind path group impairment serving causes outside state { status reason message since stale }
    application { path } workload { name } workflow { name } replicas { desired ready } usage { at } }
  edges { id from to need healthy sources { kind evidence } } } }"""
HOST, API = "churn.example.org", "api.stripe.com"
EVERYTHING = {STORE, FEATURES, CHURN, FRAUD, SCORE, IDLE, BOARD, LATER, HOST, API, "legacy", "nightly", "weekly"}
IMPAIRED = {FEATURES, CHURN, BOARD, IDLE, HOST, "legacy", "weekly"}
AT_RISK = {FRAUD, SCORE, "nightly"}
APPLICATION = """query ($path: Path!) { application(path: $path) { ready impairment blockedBy { path }
  dependencies { application { path } node { label kind } need sources { kind } }
  dependents { application { path } node { label kind } need sources { kind } }
  impact { impaired { node { label } distance via } atRisk { node { label } } } } }"""
CHAIN = (
    """query ($from: ID!, $to: ID!) { topology(scope: "or/local/web") { chain(from: $from, to: $to) { from to } } }"""
)
IMPACT = """query ($nodes: [ID!]!) { topology(scope: "or/local/web") { impactOf(nodes: $nodes) {
  impaired { node { path label kind } distance via } atRisk { node { path label kind } distance via } } } }"""
UNSEEN = ("store", "features", "board", "legacy", "nightly", "weekly", "or-local-ddk", "stranger")
"""What is not in `or/local/models`, by any of its names."""


async def topology(nexus: Nexus, scope: str = "or", token: str | None = None, **wanted: Any) -> Any:
    answer = await nexus.execute(TOPOLOGY, {"scope": scope, "filter": wanted}, token)
    return answer["topology"]


def name(node: Any) -> str:
    return str((node["path"] if node["kind"] == "APPLICATION" else None) or node["label"])


def names(found: Any) -> set[str]:
    return {name(node) for node in found["nodes"]}


def shown(found: Any, field: str) -> dict[str, Any]:
    return {name(node): node[field] for node in found["nodes"]}


def arrows(found: Any) -> set[str]:
    called = {node["id"]: name(node) for node in found["nodes"]}
    return {f"{called[edge['from']]} > {called[edge['to']]}" for edge in found["edges"]}


async def ids(nexus: Nexus) -> dict[str, str]:
    """The ids of nodes by name."""
    return {name(node): node["id"] for node in (await topology(nexus))["nodes"]}
