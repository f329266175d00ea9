"""What counts as a workload: what nothing that we know has made."""

from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest

from nexus_gql.live import ClusterView, Health, ObservedKind, Pod, Store, pods_of
from nexus_gql.live.objects import Job, ReplicaSet, StatefulSet
from nexus_gql.live.store import APPLICATION_LABEL, Writer
from nexus_gql.live.workloads import MAKERS, Replicas, observe, root_uid, workload_uids

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
TYPES: dict[str, Any] = {"Pod": Pod, "ReplicaSet": ReplicaSet, "StatefulSet": StatefulSet, "Job": Job}


class Seen:
    """A view's stores, without a cluster."""

    def __init__(self, *objects: tuple[str, str, str | None]) -> None:
        """Kind and name of each object, and its controller as `Kind/name`."""
        self.by_kind: dict[str, Store[Any]] = {kind: Store() for kind in (*MAKERS, "Pod")}
        self.pods = self.by_kind["Pod"]
        self.replica_sets = self.by_kind["ReplicaSet"]
        self.jobs = self.by_kind["Job"]
        self.link = type("Link", (), {"cluster_id": "c1"})
        for kind, name, owner in objects:
            Writer(self.by_kind[kind], "c1", lambda _: None).put(thing(kind, name, owner))

    @property
    def view(self) -> ClusterView:
        return cast("ClusterView", self)


def thing(kind: str, name: str, owner: str | None) -> Any:
    meta: dict[str, Any] = {"name": name, "uid": name, "namespace": "models", "resourceVersion": name}
    meta |= {"labels": {APPLICATION_LABEL: "app"}, "creationTimestamp": "2026-11-24T07:00:00Z"}
    if owner is not None:
        above, _, called = owner.partition("/")
        meta["ownerReferences"] = [{"kind": above, "name": called, "uid": called, "controller": True}]
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]} if kind == "Pod" else {}
    return msgspec.convert({"metadata": meta, "status": status}, TYPES[kind])


ROLLOUT = (("ReplicaSet", "rs", "Rollout/canary"), ("Pod", "p1", "ReplicaSet/rs"), ("Pod", "p2", "ReplicaSet/rs"))
DIRECT = (("Pod", "p1", "SparkApplication/spark"),)
MIRROR = (("Pod", "kube-apiserver", "Node/n1"),)
OPERATED = (("StatefulSet", "kafka", "Kafka/broker"), ("Pod", "p1", "StatefulSet/kafka"))
CRON = (("Job", "j", "Workflow/argo"), ("Pod", "p1", "Job/j"))

CASES: dict[str, tuple[tuple[Any, ...], dict[str, tuple[ObservedKind, list[str]]]]] = {
    "a ReplicaSet of an Argo Rollout": (ROLLOUT, {"canary": (ObservedKind.OTHER, ["p1", "p2"])}),
    "a pod of something unknown": (DIRECT, {"spark": (ObservedKind.OTHER, ["p1"])}),
    "a job of something unknown": (CRON, {"argo": (ObservedKind.OTHER, ["p1"])}),
    "a pod that the kubelet runs from a file": (MIRROR, {"kube-apiserver": (ObservedKind.POD, ["kube-apiserver"])}),
    "a StatefulSet of an operator": (OPERATED, {"kafka": (ObservedKind.STATEFUL_SET, ["p1"])}),
    "pods of a ReplicaSet that is gone": ((("Pod", "p1", "ReplicaSet/gone"),), {}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_pod_should_belong_to_one_workload(case: tuple[Any, Any]) -> None:
    objects, expected = case
    view = Seen(*objects).view
    found = {}
    for uid in workload_uids(view, "models"):
        workload = observe(view, uid, NOW)
        assert workload is not None
        found[workload.meta.name] = (workload.kind, [pod.metadata.name for pod in pods_of(view, workload)])
    assert found == expected
    for pod in view.pods.all() if expected else ():
        assert root_uid(view, pod) in expected


def test_something_of_an_unknown_kind_should_be_judged_by_its_pods() -> None:
    workload = observe(Seen(*ROLLOUT).view, "canary", NOW)
    assert workload is not None
    assert (workload.replicas.desired, workload.replicas.ready, workload.verdict.status) == (2, 2, Health.HEALTHY)
    assert workload.meta.labels == {APPLICATION_LABEL: "app"}
    asleep = observe(Seen(ROLLOUT[0]).view, "canary", NOW)
    assert asleep is not None
    assert asleep.verdict.status is Health.SUSPENDED


JOBS: dict[str, tuple[dict[str, int], Replicas]] = {
    "one that runs": ({"active": 2, "ready": 1, "succeeded": 2}, Replicas(4, 2, 1, 2, 1)),
    "one that is over": ({"succeeded": 4}, Replicas(4, 0, 0, 0, 0)),
    "one that failed": ({"failed": 3, "succeeded": 1}, Replicas(4, 0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", JOBS.values(), ids=JOBS)
def test_pods_of_a_job_that_have_ended_should_not_count_as_available(case: tuple[dict[str, int], Replicas]) -> None:
    """A job that was over once showed `available: 4, current: 0`."""
    status, expected = case
    seen = Seen()
    meta = {"name": "j", "uid": "j", "creationTimestamp": "2026-11-24T07:00:00Z"}
    job = msgspec.convert({"metadata": meta, "spec": {"completions": 4}, "status": status}, Job)
    Writer(seen.by_kind["Job"], "c1", lambda _: None).put(job)
    workload = observe(seen.view, "j", NOW)
    assert workload is not None
    assert workload.replicas == expected
