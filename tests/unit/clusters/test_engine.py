"""Where a KinD cluster's API may be, from what the Docker engine says of its containers; and an engine that is not there."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from nexus_gql.clusters import ClusterKind, NoEngine, Surroundings, Target, Unreachable
from nexus_gql.clusters.engine import kind_clusters, version
from nexus_gql.clusters.targets import load

CLUSTER, ROLE = "io.x-k8s.kind.cluster", "io.x-k8s.kind.role"


def node(
    name: str,
    cluster: str,
    role: str = "control-plane",
    *,
    running: bool = True,
    ports: Any = (("127.0.0.1", "40000"),),
    networks: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A container as the engine shows it."""
    bindings = None if ports is None else [{"HostIp": host, "HostPort": port} for host, port in ports]
    attached = {"kind": "172.18.0.2"} if networks is None else networks
    return {
        "Id": name,
        "Name": f"/{name}",
        "Labels": {CLUSTER: cluster, ROLE: role},
        "State": {"Running": running},
        "NetworkSettings": {
            "Ports": {"6443/tcp": bindings},
            "Networks": {network: {"IPAddress": address} for network, address in attached.items()},
        },
    }


@asynccontextmanager
async def docker(folder: Path, *containers: dict[str, Any]) -> AsyncIterator[str]:
    """An engine with these containers, on a socket of its own."""

    async def listed(request: web.Request) -> web.StreamResponse:
        assert json.loads(request.query["filters"]) == {"label": [CLUSTER]}
        return web.json_response(containers)

    async def shown(request: web.Request) -> web.StreamResponse:
        return web.json_response(next(one for one in containers if one["Id"] == request.match_info["id"]))

    async def told(request: web.Request) -> web.StreamResponse:
        return web.json_response({"Version": "28.1", "ApiVersion": "1.49"})

    application = web.Application()
    application.router.add_get("/{v:v[0-9.]+}/containers/json", listed)
    application.router.add_get("/{v:v[0-9.]+}/containers/{id}/json", shown)
    application.router.add_get("/{v:v[0-9.]+}/version", told)
    application.router.add_get("/version", told)
    runner = web.AppRunner(application, shutdown_timeout=0.01)
    await runner.setup()
    await web.UnixSite(runner, str(folder / "docker.sock")).start()
    try:
        yield f"unix://{folder}/docker.sock"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        ({}, ("https://127.0.0.1:40000", "https://172.18.0.2:6443")),
        ({"ports": [("0.0.0.0", "40000")]}, ("https://127.0.0.1:40000", "https://172.18.0.2:6443")),
        ({"ports": [("::", "40000")]}, ("https://[::1]:40000", "https://172.18.0.2:6443")),
        ({"ports": [("", "40000")]}, ("https://127.0.0.1:40000", "https://172.18.0.2:6443")),
        ({"ports": [("192.168.1.5", "6443")], "networks": {}}, ("https://192.168.1.5:6443",)),
        ({"ports": None}, ("https://172.18.0.2:6443",)),
        ({"ports": None, "networks": {"kind": ""}}, ()),
        (
            {"ports": [], "networks": {"a": "10.0.0.2", "b": "10.1.0.2"}},
            ("https://10.0.0.2:6443", "https://10.1.0.2:6443"),
        ),
    ],
)
async def test_addresses_should_be_the_published_ones_and_then_the_nodes_own(
    tmp_path: Path, given: dict[str, Any], addresses: tuple[str, ...]
) -> None:
    async with docker(tmp_path, node("dev-control-plane", "dev", **given)) as url:
        (found,) = await kind_clusters(url)

    assert found.addresses == addresses
    assert (found.name, found.container, found.running) == ("dev", "dev-control-plane", True)


async def test_clusters_should_be_told_by_name_and_workers_be_none(tmp_path: Path) -> None:
    nodes = [
        node("z-control-plane", "z", running=False),
        node("z-worker", "z", "worker"),
        node("a-control-plane", "a"),
        node("a-control-plane2", "a"),
        node("left-over", "left", "worker"),
    ]
    async with docker(tmp_path, *nodes) as url:
        found = await kind_clusters(url)

    assert [(one.name, one.container, one.running) for one in found] == [
        ("a", "a-control-plane", True),
        ("z", "z-control-plane", False),
    ]


async def test_a_load_balancer_should_be_where_several_control_planes_are_reached(tmp_path: Path) -> None:
    balancer = node("b-lb", "b", "external-load-balancer", ports=[("127.0.0.1", "41000")], networks={})
    async with docker(tmp_path, node("b-control-plane", "b"), balancer) as url:
        (found,) = await kind_clusters(url)

    assert (found.container, found.addresses) == ("b-control-plane", ("https://127.0.0.1:41000",))


async def test_an_engine_that_is_not_there_should_be_told(tmp_path: Path) -> None:
    with pytest.raises(NoEngine):
        await kind_clusters(f"unix://{tmp_path}/none.sock")
    with pytest.raises(NoEngine):
        await version("nonsense")


async def test_an_engine_should_say_its_version(tmp_path: Path) -> None:
    async with docker(tmp_path) as url:
        assert await version(url) == "28.1"


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([], "no KinD cluster `dev` \\(there: none\\)"),
        ([node("x-control-plane", "x")], "there: x"),
        ([node("dev-control-plane", "dev", running=False)], "docker start dev-control-plane"),
    ],
)
async def test_a_cluster_that_cannot_be_reached_should_say_what_to_do(
    tmp_path: Path, nodes: list[dict[str, Any]], words: str
) -> None:
    async with docker(tmp_path, *nodes) as url:
        with pytest.raises(Unreachable, match=words):
            await load(Target(ClusterKind.KIND, name="dev"), Surroundings(docker_url=url))
