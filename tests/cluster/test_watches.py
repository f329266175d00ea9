"""However many look, each kind of a cluster is listed once and watched once."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from tests.cluster.feeds import Feed, Socket
from tests.cluster.nexus import until
from tests.cluster.place import Place
from tests.cluster.proxy import Proxy

STATE_FEEDS = (
    "pods(scope: $scope) { kind complete removed upserted { id } sources { cluster } }",
    "workloads(scope: $scope) { kind complete removed upserted { id } sources { cluster } }",
    "health(scope: $scope) { kind complete removed upserted { id } sources { cluster } }",
    "operations(scope: $scope) { kind complete removed upserted { id } }",
)
CLUSTERS = "subscription { clusters { kind complete removed upserted { id } } }"
EVENTS = "subscription ($scope: Path!) { events(scope: $scope) { events { id } cursor } }"

EVENTS_PATH = "/api/v1/events"
# What the contract lets somebody subscribe to here, events being watched once somebody does, and what the graph is made of; logs
# have a stream of their own for each container.
KINDS = {
    "/api/v1/pods",
    "/api/v1/services",
    EVENTS_PATH,
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/batch/v1/jobs",
    "/apis/batch/v1/cronjobs",
    "/api/v1/persistentvolumeclaims",
    "/apis/autoscaling/v2/horizontalpodautoscalers",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/networking.k8s.io/v1/ingressclasses",
}


@pytest.fixture
def kubeconfig(proxy: Proxy) -> str:
    return proxy.kubeconfig


async def subscribe(socket: Socket, scopes: Sequence[str]) -> list[Feed]:
    feeds = [await socket.subscribe(CLUSTERS)]
    for scope in scopes:
        feeds += [
            await socket.subscribe(f"subscription ($scope: Path!) {{ {field} }}", scope=scope) for field in STATE_FEEDS
        ]
        feeds.append(await socket.subscribe(EVENTS, scope=scope))
    return feeds


def asked(proxy: Proxy, *, watch: bool) -> dict[str, int]:
    return {path: count for path in KINDS if (count := proxy.count(re.escape(path), watch=watch))}


async def test_200_subscriptions_should_cost_one_list_and_one_watch_for_each_kind(place: Place, proxy: Proxy) -> None:
    path = await place.run()
    once = dict.fromkeys(KINDS - {EVENTS_PATH}, 1)

    async def watched() -> bool:
        return proxy.watches == once

    await until(watched)
    assert asked(proxy, watch=False) == once
    assert asked(proxy, watch=True) == once

    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(place.nexus.socket()) for _ in range(3)]
        scopes = ["or", "or/local", place.path, path] * 4
        feeds = [feed for socket in sockets for feed in await subscribe(socket, scopes)]
        assert len(feeds) >= 200
        await asyncio.gather(*(feed.next() for feed in feeds))
        once[EVENTS_PATH] = 1
        await until(watched)

        async def counted() -> bool:
            info = await place.nexus.ask("{ serverInfo { subscribers watches } }")
            return bool(info["serverInfo"] == {"subscribers": len(feeds), "watches": len(KINDS)})

        await until(counted)  # a watch is open for the proxy before it is answered

        await place.nexus.succeeded(await place.nexus.scale(path, 2))
        pods = [feed for feed in feeds if feed.frames[0].get("sources") and "cursor" not in feed.frames[0]]
        await asyncio.gather(*(feed.next() for feed in pods))
        assert proxy.watches == once
        assert asked(proxy, watch=True) == once

    async def left() -> bool:
        info = await place.nexus.ask("{ serverInfo { subscribers } }")
        return bool(info["serverInfo"]["subscribers"] == 0)

    await until(left)
    assert proxy.watches == once
    assert asked(proxy, watch=False) == once
    assert asked(proxy, watch=True) == once
