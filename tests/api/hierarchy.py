"""A small hierarchy, made as a client makes one."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from nexus_gql import clock
from nexus_gql.clusters import Cluster, ClusterKind, Target
from nexus_gql.paths import Path
from nexus_gql.workloads import OperationKind, OperationStatus
from nexus_gql.workloads.models import Operation

from .server import Nexus

PROBLEMS = "problems { code message path remedy }"
CREATE_PROJECT = (
    f"mutation ($input: CreateProjectInput!) {{ createProject(input: $input) {{ project {{ id path }} {PROBLEMS} }} }}"
)
CREATE_ENVIRONMENT = f"mutation ($input: CreateEnvironmentInput!) {{ createEnvironment(input: $input) {{ environment {{ id path }} {PROBLEMS} }} }}"
CREATE_NAMESPACE = f"mutation ($input: CreateNamespaceInput!) {{ createNamespace(input: $input) {{ namespace {{ id path }} {PROBLEMS} }} }}"
CREATE_APPLICATION = f"mutation ($input: CreateApplicationInput!) {{ createApplication(input: $input) {{ application {{ id path }} {PROBLEMS} }} }}"
CONFIGURE = f"""mutation ($path: Path!, $patch: SettingsPatch!, $expectedVersion: Int, $dryRun: Boolean) {{
  configure(path: $path, patch: $patch, expectedVersion: $expectedVersion, dryRun: $dryRun) {{
    level {{ path version settings {{ document removed }} }} changed affected {{ path }} {PROBLEMS} warnings {{ code path }}
  }}
}}"""


async def declare(nexus: Nexus, path: str, **more: Any) -> str:
    """Make one level, those above it being there; its id."""
    parent, _, name = path.rpartition("/")
    document, above, field = (
        (CREATE_PROJECT, None, "project"),
        (CREATE_ENVIRONMENT, "project", "environment"),
        (CREATE_NAMESPACE, "environment", "namespace"),
        (CREATE_APPLICATION, "namespace", "application"),
    )[path.count("/")]
    given = {"name": name, **more} | ({} if above is None else {above: parent})
    made = await nexus.mutate(document, {"input": given})
    return str(made[field]["id"])


async def declare_all(nexus: Nexus, *paths: str) -> None:
    """Make levels and all that is above them."""
    made: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            step = "/".join(parts[:depth])
            if step not in made:
                made.add(step)
                await declare(nexus, step)


async def configure(nexus: Nexus, path: str, patch: Mapping[str, Any], **more: Any) -> Any:
    """Change one level's settings, which is expected to go through."""
    return await nexus.mutate(CONFIGURE, {"path": path, "patch": patch, **more})


async def value(nexus: Nexus, path: str, key: str) -> Any:
    """One leaf of a level's effective settings, with where it is from."""
    document = """query ($path: Path!, $key: String!) { level(path: $path) { effective { value(key: $key) {
      key value masked origin { kind path level { path } } overrides { origin { kind path } value } } } } }"""
    answer = await nexus.execute(document, {"path": path, "key": key})
    return answer["level"]["effective"]["value"]


async def join_dead_cluster(nexus: Nexus, name: str = "dead") -> str:
    """A registered cluster that never answers, as one that was lost: what can be asked for on it waits. Its name."""
    content = (
        "{clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], current-context: x, "
        "contexts: [{name: x, context: {cluster: c, user: u}}], users: [{name: u, user: {token: t}}]}"
    )
    fleet, key, target = nexus.rooms.fleet, uuid4(), Target(ClusterKind.KUBECONFIG, content=content)
    row = await Cluster.create(
        id=key,
        name=name,
        kind=target.kind,
        uid=str(key),
        target=target.shown,
        credentials=fleet.encrypted(key, target),
        created_at=clock.now(),
    )
    fleet.join(row)
    return name


async def declare_deployable(nexus: Nexus, *paths: str) -> None:
    """Applications that can be deployed as far as it can be told without their cluster, which never answers."""
    cluster = await join_dead_cluster(nexus)
    await declare(nexus, "or", settings={"image": {"repository": "or/model"}})
    await declare(nexus, "or/local", cluster=cluster)
    await declare(nexus, "or/local/models")
    for path in paths:
        await declare(nexus, path)


async def hold(nexus: Nexus, path: str) -> None:
    """An application that a worker of another replica is at, and stays at: what is asked for meanwhile waits."""
    application = nexus.rooms.hierarchy.latest.levels[Path(path)]
    await Operation.create(
        id=uuid4(),
        application_id=application.id,
        path=path,
        kind=OperationKind.DEPLOY,
        status=OperationStatus.APPLYING,
        number=0,
        requested_by="another",
        lease=uuid4(),
        lease_until=clock.now().timestamp() + 86_400,
        created_at=clock.now(),
    )
