"""The cluster that the cases are about."""

from typing import Any

import msgspec

from nexus_gql.live import Template
from nexus_gql.topology import Backend, Cluster, Service, Workload

SERVICES = [
    Service("shop", "features", {"app": "features"}, ("10.96.0.10",), frozenset({8080})),
    Service("shop", "cache", {"app": "cache"}, ("10.96.0.11", "fd00::11"), frozenset({6379})),
    Service("shop", "web", {"app": "web"}, ("10.96.0.12",), frozenset({8080})),
    Service("shop", "redis", {"app": "store", "tier": "data"}, ("10.96.0.13",), frozenset({6379})),
    Service("shop", "split", {"tier": "split"}, ("10.96.0.14",), frozenset({80})),
    Service("shop", "idle", {"app": "idle"}, ("10.96.0.15",), frozenset({80})),
    Service("shop", "legacy", {}, ("10.96.0.20",), frozenset({80})),
    Service("shop", "billing", external_name="api.billing.com"),
    Service("shop", "alias", external_name="Features.data.svc.cluster.local"),
    Service("shop", "circle", external_name="circle.shop.svc.cluster.local"),
    Service("data", "features", {"app": "features"}, ("10.96.1.10",), frozenset({80})),
    Service("data", "db", {"app": "pg"}, (), frozenset({5432})),
    Service("data", "kafka", {"app": "kafka"}, (), frozenset({9092})),
    Service("default", "kubernetes", {}, ("10.96.0.1",), frozenset({443})),
]
BACKENDS = [
    Backend("shop", "app", "app.or.internal", "/", "features", "8080"),
    Backend("shop", "web", "web.or.internal", "/", "web", "8080"),
]


def workload(node: str, namespace: str, labels: dict[str, str], governing: str = "") -> Workload:
    return Workload(node, namespace, node, labels, governing)


WORKLOADS = [
    workload("features", "shop", {"app": "features", "version": "2"}),
    workload("cache", "shop", {"app": "cache"}),
    workload("web", "shop", {"app": "web"}),
    workload("store", "shop", {"app": "store", "tier": "data"}),
    workload("left", "shop", {"app": "left", "tier": "split"}),
    workload("right", "shop", {"app": "right", "tier": "split"}),
    workload("ghost", "shop", {"app": "ghost"}),
    workload("data-features", "data", {"app": "features"}),
    workload("pg", "data", {"app": "pg"}, "db"),
    workload("kafka", "data", {"app": "kafka"}, "kafka"),
]


def cluster() -> Cluster:
    return Cluster("c1", SERVICES, WORKLOADS, BACKENDS)


def template(**container: Any) -> Template:
    """A pod template with one container; `volumes` are the pod's."""
    volumes = container.pop("volumes", [])
    spec = {"containers": [{"name": "main", **container}], "volumes": volumes}
    return msgspec.convert({"spec": spec}, Template)


def consumer(made: Template, *, dns: bool = True) -> Workload:
    return Workload("web", "shop", "web", {"app": "web"}, cluster_dns=dns, template=made)


def variables(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
