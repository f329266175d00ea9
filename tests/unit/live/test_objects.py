"""What is kept of an apiserver's JSON. `objects/*.json` were recorded from an apiserver 1.34."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from nexus_gql.live import APPLICATION_LABEL, Health, judge_pod
from nexus_gql.live.resources import (
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    EVENTS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    Resource,
    version_of,
    watch_line,
)

HERE = Path(__file__).parent
ALL: list[Resource[Any]] = [PODS, DEPLOYMENTS, REPLICA_SETS, SERVICES, ENDPOINT_SLICES, EVENTS]
MINIMUM = {"name": "churn", "namespace": "or-local-models", "uid": "4f6f"}


def recorded(name: str) -> bytes:
    return (HERE / "objects" / f"{name}.json").read_bytes()


def example(kind: str) -> bytes:
    return json.dumps(yaml.safe_load((HERE / "health" / kind / "object.yaml").read_text())).encode()


def test_services_should_be_read_as_the_apiserver_lists_them() -> None:
    page = SERVICES.page(recorded("services"))

    assert [(one.metadata.name, one.spec.type, one.spec.ports[0].port) for one in page.items or ()] == [
        ("kubernetes", "ClusterIP", 443),
        ("kube-dns", "ClusterIP", 53),
    ]
    assert page.metadata.resource_version.isdigit()
    assert page.metadata.continue_ == ""


def test_endpoint_slices_should_be_read_as_the_apiserver_lists_them() -> None:
    first = (ENDPOINT_SLICES.page(recorded("endpointslices")).items or [])[0]

    assert first.metadata.labels == {"kubernetes.io/service-name": "kubernetes"}
    assert [endpoint.conditions.ready for endpoint in first.endpoints or ()] == [True]


def test_events_should_be_read_with_the_token_for_the_next_page() -> None:
    page = EVENTS.page(recorded("events"))

    first = (page.items or [])[0]
    assert (first.involved_object.kind, first.reason, first.count) == ("Node", "Starting", 1)
    assert first.event_time is None
    assert page.metadata.continue_.startswith("ey")


def test_a_pod_should_be_read_with_its_owner_and_containers() -> None:
    pod = PODS.decoded(example("pod"))

    assert [(owner.kind, owner.controller) for owner in pod.metadata.owner_references] == [("ReplicaSet", True)]
    assert pod.spec.node_name == "or-worker"
    assert pod.status.pod_i_p == "10.244.1.7"
    (status,) = pod.status.container_statuses
    assert (status.image_i_d, status.ready, status.restart_count) == ("ghcr.io/or/churn@sha256:8f2c", True, 0)
    assert status.state.running is not None
    assert status.last_state.terminated is None


def test_a_deployment_should_be_read_with_its_annotations() -> None:
    deployment = DEPLOYMENTS.decoded(example("deployment"))

    assert deployment.metadata.annotations["nexus.optimal-reality.io/operation"] == "2"
    assert deployment.spec.template.spec.containers[0].image == "ghcr.io/or/churn:1.4"
    assert (deployment.status.observed_generation, deployment.metadata.generation) == (2, 2)


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.kind)
def test_an_object_should_be_read_from_its_identity_alone(resource: Resource[Any]) -> None:
    item = resource.decoded(json.dumps({"metadata": MINIMUM}).encode())

    assert (item.metadata.name, item.metadata.uid, item.metadata.labels) == ("churn", "4f6f", {})


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.kind)
def test_fields_that_nobody_reads_should_not_matter(resource: Resource[Any]) -> None:
    strange = {"metadata": {**MINIMUM, "managedFields": [{"a": [1]}], "new": None}, "spec": {"new": {}}, "newer": 1}

    assert resource.decoded(json.dumps(strange).encode()) == resource.decoded(
        json.dumps({"metadata": MINIMUM}).encode()
    )


@pytest.mark.parametrize("resource", ALL, ids=lambda resource: resource.kind)
def test_a_list_of_nothing_should_be_read_whether_null_or_empty(resource: Resource[Any]) -> None:
    for items in ("null", "[]"):
        page = resource.page(b'{"items": %s, "metadata": {"resourceVersion": "7"}}' % items.encode())
        assert list(page.items or ()) == []
        assert page.metadata.resource_version == "7"


def test_an_endpoint_slice_without_endpoints_should_be_read() -> None:
    assert ENDPOINT_SLICES.decoded(json.dumps({"metadata": MINIMUM, "endpoints": None}).encode()).endpoints is None


def test_times_that_the_apiserver_writes_as_null_should_be_read() -> None:
    """`ContainerStatusUnknown` and conditions that were never probed come so."""
    end = {"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": None, "finishedAt": None}
    condition = {"type": "Ready", "status": "False", "lastProbeTime": None, "lastTransitionTime": None}
    status = {"containerStatuses": [{"name": "churn", "state": {"terminated": end}}], "conditions": [condition]}

    pod = PODS.decoded(json.dumps({"metadata": MINIMUM, "status": status}).encode())

    terminated = pod.status.container_statuses[0].state.terminated
    assert terminated is not None
    assert (terminated.exit_code, terminated.finished_at) == (137, None)


def test_an_object_of_another_shape_should_be_an_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        PODS.decoded(b'{"metadata": {"name": "churn", "uid": 7}}')


def test_a_line_of_a_watch_should_leave_its_object_undecoded() -> None:
    line = watch_line(b'{"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "12746"}}}')

    assert line.type == "BOOKMARK"
    assert version_of(line.object) == "12746"


def test_paths_should_be_those_of_the_apiserver() -> None:
    assert PODS.path(None) == "/api/v1/pods"
    assert PODS.path("or-local-models") == "/api/v1/namespaces/or-local-models/pods"
    assert DEPLOYMENTS.path("a") == "/apis/apps/v1/namespaces/a/deployments"


def test_a_deployment_that_nexus_made_should_be_read_through_to_its_pod() -> None:
    (deployment,) = DEPLOYMENTS.page(recorded("deployments")).items or []
    (replica_set,) = REPLICA_SETS.page(recorded("replicasets")).items or []
    (pod,) = PODS.page(recorded("pods")).items or []

    assert [owner.uid for owner in replica_set.metadata.owner_references] == [deployment.metadata.uid]
    assert [owner.uid for owner in pod.metadata.owner_references] == [replica_set.metadata.uid]
    assert len({item.metadata.labels[APPLICATION_LABEL] for item in (deployment, replica_set, pod)}) == 1
    assert deployment.status.available_replicas == deployment.spec.replicas
    assert judge_pod(pod, datetime.now(UTC)).status is Health.HEALTHY
