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
