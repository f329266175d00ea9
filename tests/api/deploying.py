"""Deployments as a client asks for them and follows them, and what they make on a sandbox."""

from typing import Any

from nexus_gql.workloads.apply import read
from nexus_gql.workloads.models import Operation

from .server import Nexus

DEPLOY = """mutation ($path: Path!, $patch: SettingsPatch, $options: OperationOptions) {
  deploy(path: $path, patch: $patch, options: $options) {
    operation { id } problems { code path message remedy } } }"""
FOLLOW = "subscription ($id: ID!) { operation(id: $id) { status failure { reason message remedy } } }"


async def deploy(nexus: Nexus, path: str, **more: Any) -> Any:
    return (await nexus.execute(DEPLOY, {"path": path, **more}))["deploy"]


async def accepted(nexus: Nexus, path: str, **more: Any) -> str:
    payload = await deploy(nexus, path, **more)
    assert payload["problems"] == []
    return str(payload["operation"]["id"])


async def ended(nexus: Nexus, path: str, **more: Any) -> Any:
    """A deployment at its end."""
    return await over(nexus, await accepted(nexus, path, **more))


async def let_go(nexus: Nexus, path: str) -> None:
    """End what another replica's worker was at."""
    await Operation.filter(path=path, requested_by="another").update(status="SUPERSEDED", lease=None)


async def over(nexus: Nexus, operation: str, token: str | None = None) -> Any:
    """An operation at its end, as somebody follows it."""
    last: Any = None
    async with nexus.subscribe(FOLLOW, {"id": operation}, token) as frames:
        while (frame := await frames.next()) is not None:
            last = frame["operation"]
    return last


async def there(nexus: Nexus, kind: str, name: str) -> Any:
    """An object on the sandbox, or None."""
    cluster = nexus.rooms.fleet.named("local")
    assert cluster is not None
    link = nexus.rooms.fleet.link(str(cluster.id))
    assert link is not None
    return await read(await link.connected(), kind, "or-local-models", name)
