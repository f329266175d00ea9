"""What is live as a whole: a hierarchy, a cluster that answers as written down, and the feeds between them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path as File
from typing import Any, cast

import pytest
import yaml

from nexus_gql.clusters import ConnectionStatus, Fleet, Link
from nexus_gql.hierarchy import (
    Application,
    ApplicationKind,
    Catalogue,
    Concern,
    Environment,
    Hierarchy,
    Level,
    Namespace,
    Project,
    Stage,
)
from nexus_gql.hierarchy.catalogue import catalogue
from nexus_gql.live import (
    ClusterChange,
    Feed,
    Health,
    HierarchyChange,
    Live,
    ObjectChange,
    SightChange,
    StateChange,
    Want,
    pods_in,
    select,
    workloads_in,
)
from nexus_gql.live.changes import LiveChange
from nexus_gql.paths import Path
from nexus_gql.supervisor import Supervisor
from tests.unit.clusters.apiserver import Apiserver, apiserver, event, linked, listed, status, watched

pytestmark = pytest.mark.looptime

BEGIN = datetime(2026, 11, 24, 8, tzinfo=UTC)
APP, ENVIRONMENT, CHURN = "0b9f1d3e", Path("or/local"), Path("or/local/models/churn")
PLACES = {
    "pods": "/api/v1/pods",
    "deployments": "/apis/apps/v1/deployments",
    "replicasets": "/apis/apps/v1/replicasets",
    "statefulsets": "/apis/apps/v1/statefulsets",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "jobs": "/apis/batch/v1/jobs",
    "cronjobs": "/apis/batch/v1/cronjobs",
    "claims": "/api/v1/persistentvolumeclaims",
    "ingresses": "/apis/networking.k8s.io/v1/ingresses",
    "classes": "/apis/networking.k8s.io/v1/ingressclasses",
    "autoscalers": "/apis/autoscaling/v2/horizontalpodautoscalers",
    "services": "/api/v1/services",
    "slices": "/apis/discovery.k8s.io/v1/endpointslices",
    "events": "/api/v1/events",
}
NAMES: dict[str, Any] = {"namespace": "or-local-models", "labels": {"nexus.optimal-reality.io/application": APP}}


def levels(*, cluster: str | None = "c1", deployed: bool = True) -> list[Level]:
    """A project with one application."""

    def shared(path: str) -> dict[str, Any]:
        known = {"or/local/models/churn": APP}
        return {
            "id": known.get(path, path),
            "path": Path(path),
            "display_name": path,
            "description": None,
            "document": {},
            "version": 1,
            "change": 1,
            "created_at": BEGIN,
            "updated_at": BEGIN,
        }

    return [
        Project(**shared("or")),
        Environment(**shared("or/local"), stage=Stage.LOCAL, cluster_id=cluster),
        Namespace(**shared("or/local/models"), concern=Concern.MDK, kubernetes_name="or-local-models"),
        Application(
            **shared("or/local/models/churn"),
            kind=ApplicationKind.MODEL,
            deployed=deployed,
            operation_number=1,
            revision=1,
            restarted_at=None,
        ),
    ]


class Written(Hierarchy):
    """A hierarchy that is told what is in it, without a database."""

    def becomes(self, there: list[Level]) -> None:
        before = self.latest
        after = catalogue(before.number + 1, there)
        gone = [level for path, level in before.levels.items() if path not in after.levels]
        self._announce(before, after, there, gone)


@dataclass
class OneLink:
    """A fleet of at most one link."""

    link_: Link | None
    followers: list[Any] = field(default_factory=list)

    def link(self, cluster_id: str) -> Link | None:
        return self.link_ if cluster_id == "c1" else None

    def follow(self, follower: Any) -> None:
        self.followers.append(follower)

    def tell(self) -> None:
        for follower in self.followers:
            follower("c1")


@dataclass
class World:
    """All of it."""

    server: Apiserver
    link: Link
    fleet: OneLink
    hierarchy: Written
    live: Live

    @property
    def catalogue(self) -> Catalogue:
        return self.hierarchy.latest

    @property
    def application(self) -> Application:
        found = self.catalogue.get(Application, CHURN)
        assert found is not None
        return found

    def health(self) -> tuple[Health, str | None, bool]:
        """Status, reason, and whether it is the last that was seen."""
        known = self.live.applications.known(self.application).state
        return known.verdict.status, known.verdict.reason, known.stale


def example(kind: str, **metadata: Any) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((File(__file__).parent / "health" / kind / "object.yaml").read_text())
    found["metadata"] |= metadata
    return found


POD = example("pod")
DEPLOYMENT = example("deployment")
REPLICA_SET = {
    "metadata": {
        **NAMES,
        "name": "churn-6d5b8c7f9",
        "uid": "9c1b",
        "resourceVersion": "1199",
        "ownerReferences": [
            {"kind": "Deployment", "name": "churn", "uid": DEPLOYMENT["metadata"]["uid"], "controller": True}
        ],
    },
    "spec": {"replicas": 1},
    "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
}
CRASHED = {
    "phase": "Running",
    "conditions": [],
    "containerStatuses": [
        {
            "name": "churn",
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        }
    ],
}


ON_DEMAND = {"events", "ingresses", "classes"}
"""What is watched only when it is needed."""
QUIET = [part for _ in range(30) for part in (60, event("BOOKMARK", {"metadata": {"resourceVersion": "900"}}))]
"""How an apiserver keeps a watch alive on which nothing happens."""


def script(server: Apiserver, **lines: Any) -> None:
    """One ready deployment, and what the watches of some kinds say then."""
    there = {"pods": [POD], "deployments": [DEPLOYMENT], "replicasets": [REPLICA_SET]}
    for place, path in PLACES.items():
        server.script(path, listed(*there.get(place, [])), watched(*lines.get(place, ()), *QUIET))


@asynccontextmanager
async def world(seconds: float = 1, **lines: Any) -> AsyncIterator[World]:
    """Everything, after some seconds."""
    async with apiserver() as server, linked(server) as kept, Supervisor() as supervisor:
        script(server, **lines)
        await kept.becomes(ConnectionStatus.CONNECTED)
        fleet = OneLink(kept.link)
        kept.link._announce = lambda link: fleet.tell()
        hierarchy = Written()
        live = Live(hierarchy, cast("Fleet", fleet), supervisor)
        live.start()
        hierarchy.becomes(levels())
        await asyncio.sleep(seconds)
        yield World(server, kept.link, fleet, hierarchy, live)


def told(feed: Feed[LiveChange], after: int = 0) -> list[LiveChange]:
    found = feed.since(after)
    assert isinstance(found, list)
    return found


async def test_an_application_should_be_judged_by_what_its_cluster_shows() -> None:
    async with world() as there:
        assert there.health() == (Health.HEALTHY, None, False)
        assert there.live.applications.serving(there.application)
        workload = there.live.applications.workload(there.application)
        assert workload is not None
        assert (workload.meta.name, workload.replicas.ready, workload.images) == ("churn", 1, ("ghcr.io/or/churn:1.4",))


async def test_there_should_be_one_watch_for_each_kind() -> None:
    async with world() as there:
        for kind, path in PLACES.items():
            watches = [asked for asked in there.server.at(path) if "watch" in asked.query]
            assert len(watches) == (kind not in ON_DEMAND)
        assert there.live.views["c1"].watches == len(PLACES) - len(ON_DEMAND)


async def test_a_cluster_on_which_no_environment_is_should_not_be_watched() -> None:
    async with world() as there:
        there.hierarchy.becomes(levels(cluster=None))
        await asyncio.sleep(1)

        assert there.live.views == {}
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("reflector")]
        assert there.live.workloads == {}
        assert there.health() == (Health.UNKNOWN, "ClusterUnreachable", True)


async def test_a_link_that_was_replaced_should_be_watched_in_its_place() -> None:
    async with world() as there:
        before = there.live.views["c1"]
        async with linked(there.server) as other:
            await other.becomes(ConnectionStatus.CONNECTED)
            script(there.server)
            there.fleet.link_ = other.link
            there.fleet.tell()
            await asyncio.sleep(1)

            assert there.live.views["c1"] is not before
            assert there.health() == (Health.HEALTHY, None, False)


async def test_a_pod_that_crashes_should_be_told_on_every_feed_that_it_concerns() -> None:
    crashed = {**POD, "metadata": {**POD["metadata"], "resourceVersion": "1400"}, "status": CRASHED}
    async with world(pods=(2, event("MODIFIED", crashed))) as there:
        positions = [feed.position for feed in (there.live.pod_feed, there.live.workload_feed, there.live.health_feed)]
        await asyncio.sleep(3)

        pod = ObjectChange("c1", "or-local-models", POD["metadata"]["uid"], APP)
        deployment = ObjectChange("c1", "or-local-models", DEPLOYMENT["metadata"]["uid"], APP)
        assert told(there.live.pod_feed, positions[0]) == [pod]
        assert told(there.live.workload_feed, positions[1]) == [deployment]
        assert told(there.live.health_feed, positions[2]) == [StateChange(APP)]
        assert there.health() == (Health.DEGRADED, "CrashLoopBackOff", False)


async def test_a_change_that_nobody_sees_should_be_told_to_nobody() -> None:
    touched = {**POD, "metadata": {**POD["metadata"], "resourceVersion": "1400", "annotations": {"a": "b"}}}
    async with world(pods=(2, event("MODIFIED", touched))) as there:
        feeds = (there.live.pod_feed, there.live.workload_feed, there.live.health_feed)
        positions = [feed.position for feed in feeds]
        await asyncio.sleep(3)

        assert there.live.views["c1"].pods.get(POD["metadata"]["uid"]) is not None
        assert [feed.position for feed in feeds] == positions


async def test_a_pod_that_keeps_restarting_should_be_well_again_by_time_alone_and_its_feed_be_told() -> None:
    """Nothing comes from the cluster then: the verdict grows old here."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    container: dict[str, Any] = {**POD["status"]["containerStatuses"][0], "restartCount": 5}
    container["lastState"] = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": now}}
    restarted = {
        **POD,
        "metadata": {**POD["metadata"], "resourceVersion": "1400"},
        "status": {**POD["status"], "containerStatuses": [container]},
    }
    async with world(pods=(event("MODIFIED", restarted),)) as there:
        assert there.health() == (Health.DEGRADED, "Error", False)
        position = there.live.pod_feed.position
        await asyncio.sleep(610)

        assert [change for change in told(there.live.pod_feed, position) if isinstance(change, ObjectChange)]


async def test_verdicts_should_stand_for_a_minute_after_a_cluster_is_lost() -> None:
    async with world() as there:
        there.server.script("/version", status(500, "InternalError", "etcd is gone"))
        there.link.doubt()
        await asyncio.sleep(2)
        assert there.health() == (Health.HEALTHY, None, True)
        assert SightChange("c1", lost=True) in told(there.live.pod_feed)

        lost_at = there.live.views["c1"].lost_at
        assert lost_at is not None
        await asyncio.sleep(lost_at + 59.9 - asyncio.get_running_loop().time())
        assert there.health() == (Health.HEALTHY, None, True)

        position = there.live.health_feed.position
        await asyncio.sleep(0.2)
        assert there.health() == (Health.UNKNOWN, "ClusterUnreachable", True)
        assert StateChange(APP) in told(there.live.health_feed, position)
        message = there.live.applications.known(there.application).state.verdict.message
        assert "etcd is gone" in message
        assert "The pod is ready." in message


async def test_a_cluster_that_comes_back_should_be_seen_again_once_everything_is_watched() -> None:
    async with world() as there:
        good = there.server.scripts["/version"]
        there.server.script("/version", status(500, "InternalError"))
        there.link.doubt()
        await asyncio.sleep(90)
        position = there.live.pod_feed.position
        there.server.scripts["/version"] = good
        await asyncio.sleep(60)

        assert there.health() == (Health.HEALTHY, None, False)
        assert SightChange("c1", lost=False) in told(there.live.pod_feed, position)


async def test_credentials_that_may_not_see_events_should_see_a_cluster_come_back() -> None:
    """Symptom: one kind that may not be listed kept a cluster that had been lost once lost for ever."""
    async with world() as there:
        there.server.script(PLACES["events"], status(403, "Forbidden"))
        good = there.server.scripts["/version"]
        there.server.script("/version", status(500, "InternalError"))
        there.link.doubt()
        await asyncio.sleep(20)
        there.server.scripts["/version"] = good
        await asyncio.sleep(60)

        assert there.health() == (Health.HEALTHY, None, False)


async def test_a_cluster_that_was_never_seen_should_not_be_said_to_have_lost_anything() -> None:
    """Symptom: after a start without the cluster, every application was said to have been deleted by somebody."""
    async with apiserver() as server, linked(server) as kept, Supervisor() as supervisor:
        server.script("/version", status(500, "InternalError"))
        fleet = OneLink(kept.link)
        kept.link._announce = lambda link: fleet.tell()
        hierarchy = Written()
        live = Live(hierarchy, cast("Fleet", fleet), supervisor)
        live.start()
        hierarchy.becomes(levels())
        await asyncio.sleep(5)

        state = live.applications.known(cast("Application", hierarchy.latest.levels[CHURN])).state
        assert (state.verdict.status, state.verdict.reason) == (Health.UNKNOWN, "ClusterUnreachable")
        assert "deleted" not in state.verdict.message


def endpoints(version: str, **conditions: bool) -> dict[str, Any]:
    """A slice with one endpoint. Without conditions it counts as ready."""
    metadata = {**NAMES, "name": "churn-x", "uid": "e1", "resourceVersion": version}
    return {"metadata": metadata, "endpoints": [{"addresses": ["10.0.0.1"], "conditions": conditions}]}


async def test_an_application_with_a_service_should_serve_while_an_endpoint_is_ready() -> None:
    service = {"metadata": {**NAMES, "name": "churn", "uid": "s1", "resourceVersion": "1"}}
    lines = (2, event("ADDED", endpoints("2")), 2, event("MODIFIED", endpoints("3", ready=False)))
    async with world(services=(event("ADDED", service),), slices=lines) as there:
        assert not there.live.applications.serving(there.application)
        await asyncio.sleep(2)
        assert there.live.applications.serving(there.application)
        position = there.live.health_feed.position
        await asyncio.sleep(2)
        assert not there.live.applications.serving(there.application)
        assert told(there.live.health_feed, position) == [StateChange(APP)]


async def test_an_application_that_is_deleted_should_be_told_and_forgotten() -> None:
    async with world() as there:
        positions = there.live.health_feed.position, there.live.pod_feed.position
        there.hierarchy.becomes(levels()[:-1])
        await asyncio.sleep(1)

        assert StateChange(APP) in told(there.live.health_feed, positions[0])
        change = told(there.live.pod_feed, positions[1])[0]
        assert isinstance(change, HierarchyChange)
        assert [one.id for one in change.removed] == [APP]
        assert list(change.moved) == [CHURN]


async def test_events_should_wake_their_feed() -> None:
    async with world() as there:
        with there.live.demands.held(Want.EVENTS, ["c1"]):
            await asyncio.sleep(1)
            assert ClusterChange("c1") in told(there.live.event_feed)


async def test_a_verdict_that_cannot_be_reached_should_not_keep_the_others_waiting() -> None:
    broken = example("pod", uid="broken", name="broken", resourceVersion="1400", ownerReferences=[])
    broken["status"]["containerStatuses"][0] |= {
        "restartCount": 9,
        "lastState": {"terminated": {"exitCode": 1, "finishedAt": "yesterday"}},
    }
    crashed = {**POD, "metadata": {**POD["metadata"], "resourceVersion": "1401"}, "status": CRASHED}
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    async with world(pods=(2, event("ADDED", broken), event("MODIFIED", crashed)), seconds=4) as there:
        assert there.health() == (Health.DEGRADED, "CrashLoopBackOff", False)
    assert faults


# ── what lies in a scope ──


@pytest.mark.parametrize("scope", ["or", "or/local", "or/local/models", "or/local/models/churn"])
async def test_every_level_should_show_the_pods_and_workloads_below_it(scope: str) -> None:
    async with world() as there:
        selection = select(there.catalogue, Path(scope))
        assert selection is not None

        assert [pod.metadata.name for _, pod in pods_in(there.live, selection)] == ["churn-6d5b8c7f9-x2x4q"]
        assert [workload.meta.name for workload in workloads_in(there.live, selection)] == ["churn"]
        assert selection.clusters == ["c1"]


async def test_a_scope_should_have_what_is_in_its_namespaces_and_of_its_application() -> None:
    async with world() as there:
        whole, one = select(there.catalogue, ENVIRONMENT), select(there.catalogue, CHURN)
        assert whole is not None
        assert one is not None
        inside = ObjectChange("c1", "or-local-models", "x", None)

        assert whole.has(inside)
        assert not one.has(inside)
        assert one.has(ObjectChange("c1", "or-local-models", "x", APP))
        assert not whole.has(ObjectChange("c1", "elsewhere", "x", APP))
        assert not whole.has(ObjectChange("c2", "or-local-models", "x", APP))


async def test_a_scope_that_is_not_there_should_be_none() -> None:
    async with world() as there:
        assert select(there.catalogue, Path("or/prod")) is None


async def test_nothing_should_run_on_after_the_end() -> None:
    before = asyncio.all_tasks()
    async with world():
        assert len(asyncio.all_tasks()) > len(before) + len(PLACES)

    left = [task.get_name() for task in asyncio.all_tasks() - before if not task.done()]
    assert [name for name in left if name.startswith(("reflector", "live", "link"))] == []
