"""How many pods a node has is told by itself: it changes where the verdict does not."""

import asyncio
from typing import Any

import msgspec
import pytest

from nexus_gql.live.objects import Deployment
from nexus_gql.supervisor import Supervisor
from nexus_gql.topology import Topology, TopologyChange, application_id
from tests.unit.live.test_live import APP, DEPLOYMENT, World, world

from .test_reading import NoWorkflows

pytestmark = pytest.mark.looptime

NODE = application_id(APP)


def becomes(there: World, version: int, **status: int) -> None:
    """The application's Deployment has this status."""
    meta = {**DEPLOYMENT["metadata"], "resourceVersion": str(version)}
    changed: Any = {**DEPLOYMENT, "metadata": meta, "status": {**DEPLOYMENT["status"], **status}}
    there.live.views["c1"]._writers["Deployment"].put(msgspec.convert(changed, Deployment))


async def test_pods_that_come_while_the_verdict_stays_should_send_their_node_once_and_no_other() -> None:
    async with world() as there, Supervisor() as supervisor:
        topology = Topology(there.live, NoWorkflows(there.hierarchy))
        topology.start(supervisor)
        await asyncio.sleep(1)
        told = []
        for version, ready in ((101, 3), (102, 3), (103, 2)):
            position, verdicts = topology.feed.position, there.live.health_feed.position
            becomes(there, version, readyReplicas=ready)
            await asyncio.sleep(1)
            assert there.live.health_feed.position == verdicts
            changes = topology.feed.since(position)
            assert isinstance(changes, list)
            deltas = [one.delta for one in changes if isinstance(one, TopologyChange)]
            told.append([(one.node.id, one.replicas and one.replicas.ready) for delta in deltas for one in delta.nodes])

    assert told == [[(NODE, 3)], [], [(NODE, 2)]]
