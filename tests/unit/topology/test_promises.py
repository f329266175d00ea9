"""The names of applications of which nothing runs: who calls one means the application."""

from dataclasses import replace
from typing import Any

import pytest

from nexus_gql.hierarchy import Application
from nexus_gql.paths import Path
from nexus_gql.topology import Cluster, Service, Workload, found, mentions
from nexus_gql.topology.promises import promise
from tests.unit.live.test_live import levels

from .cluster_of_cases import BACKENDS, SERVICES, WORKLOADS, consumer, template, variables

ABSENT: dict[str, dict[str, Any]] = {
    "store": {"ports.redis": {"port": 6379}},
    "sets": {"workload": "STATEFUL_SET", "ports.sql": {"port": 5432}},
    "closed": {"ports.http": {"port": 8080, "expose": False}},
    "job": {"workload": "JOB", "ports.http": {"port": 8080}},
    "1st": {"ports.http": {"port": 8080}},
    "features": {"ports.http": {"port": 9000}},  # somebody else's Service has this name
    "idle": {"ports.http": {"port": 80}},  # and this one, which selects nothing
}


def absent(name: str, document: dict[str, Any]) -> tuple[Workload, tuple[Service, ...]] | None:
    """What an application in the Kubernetes namespace `shop` promises."""
    (known,) = [one for one in levels() if isinstance(one, Application)]
    made = promise(replace(known, id=name, path=Path(f"or/local/shop/{name}")), "shop", document)
    return None if made is None else (made.workload, made.services)


def cluster() -> Cluster:
    """The one of the cases, where some applications are declared and do not run."""
    promised = [one for name, document in ABSENT.items() if (one := absent(name, document)) is not None]
    services = [*(service for _, own in promised for service in own), *SERVICES]
    return Cluster("c1", services, [*WORKLOADS, *(workload for workload, _ in promised)], BACKENDS)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("http://store", ["application:store"]),
        ("redis://store.shop:6379/0", ["application:store"]),
        ("redis://store.shop.svc.cluster.local:6379/0", ["application:store"]),
        ("store:6379", ["application:store"]),  # the port that its Service will have
        ("store:7", []),  # an image
        ("http://store.data", ["service:c1/data/store"]),  # declared in another namespace
        ("http://sets:5432", ["application:sets"]),
        ("tcp://sets-0.sets-pods:5432", ["application:sets"]),
        ("tcp://sets-0.sets:5432", []),  # not the Service of its pods' names
        ("http://sets-pods:1", ["application:sets"]),
        ("http://app-1st:8080", ["application:1st"]),
        ("http://1st:8080", ["service:c1/shop/1st"]),  # no name that it has
        ("http://closed:8080", ["service:c1/shop/closed"]),
        ("http://job:8080", ["service:c1/shop/job"]),
        ("http://features:8080", ["features"]),  # what is there comes before what is promised
        ("http://idle", ["service:c1/shop/idle"]),
    ],
)
def test_exactly_the_names_of_its_services_should_lead_to_an_application_that_does_not_run(
    text: str, targets: list[str]
) -> None:
    made = consumer(template(env=variables(PLACE=text)))

    assert [one.target for one in found(cluster(), made, mentions(made.template, {}))] == targets


def test_a_port_that_is_not_declared_should_be_told() -> None:
    made = consumer(template(env=variables(URL="http://store:80")))

    (sign,) = found(cluster(), made, mentions(made.template, {}))

    assert (sign.target, sign.source.evidence) == (
        "application:store",
        "URL=http://store:80 (the Service has no port 80)",
    )


def test_a_service_without_anything_behind_it_should_be_of_the_application_whose_pods_it_selects() -> None:
    workload, services = absent("store", ABSENT["store"]) or pytest.fail("It has a Service.")
    there = Service("shop", "store", workload.labels, ("10.96.0.30",), frozenset({6379}))
    made = consumer(template(env=variables(URL="http://store")))

    signs = found(Cluster("c1", [*services, there], [workload]), made, mentions(made.template, {}))

    assert [one.target for one in signs] == ["application:store"]


def test_names_that_are_promised_or_not_any_more_should_be_resolved_again() -> None:
    assert {"store", "sets", "sets-pods"} <= cluster().moved_since(Cluster("c1", SERVICES, WORKLOADS, BACKENDS))
    assert {"store", "sets", "sets-pods"} <= Cluster("c1", SERVICES, WORKLOADS, BACKENDS).moved_since(cluster())
    assert not cluster().moved_since(cluster())
