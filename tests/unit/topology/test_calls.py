"""Addresses of a cluster's workloads are resolved again only where a text or a name changed."""

import random
from collections.abc import Collection, Iterable
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import Template
from nexus_gql.topology import Address, Backend, Cluster, Finding, Service, Target, Workload, found, mentions
from nexus_gql.topology.calls import Calls

from .cluster_of_cases import BACKENDS, SERVICES, WORKLOADS, template, variables

COUNT = 50
T = TypeVar("T")


class Counting(Cluster):
    """A cluster that counts how often it is asked what an address means."""

    asked = 0

    def resolve(self, address: Address, namespace: str, *, dns: bool = True) -> Target:
        self.asked += 1
        return super().resolve(address, namespace, dns=dns)


def anew(made: Template) -> Template:
    """As a new event brings it: equal, and another object."""
    return msgspec.json.decode(msgspec.json.encode(made), type=Template)


def calls(url: str) -> Template:
    return template(env=variables(A_URL=url))


def workload(number: int, made: Template) -> Workload:
    labels = {"app": f"w{number}"}
    return Workload(f"w{number}", "shop", f"w{number}", labels, template=anew(made))


def running(**changed: Template) -> list[Workload]:
    """Each calls the features; some call something else."""
    usual = calls("http://features:8080")
    return [workload(number, changed.get(f"w{number}", usual)) for number in range(COUNT)]


def reading(
    known: Calls,
    workloads: list[Workload],
    services: Iterable[Service] = SERVICES,
    backends: Iterable[Backend] = BACKENDS,
) -> tuple[dict[str, list[str]], int]:
    """The targets of each workload, and how many addresses were resolved."""
    names = Counting("c1", services, [*WORKLOADS, *workloads], backends)
    signs = {one.node: [sign.target for sign in signs] for one, signs in known.found(names, workloads, lambda _: {})}
    return signs, names.asked


def test_a_changed_template_should_cost_its_workload_alone() -> None:
    known = Calls()
    _, first = reading(known, running())
    signs, second = reading(known, running(w7=calls("http://cache:6379")))
    _, third = reading(known, running(w7=calls("http://cache:6379")))
    assert (first, second, third) == (COUNT, 1, 0)
    assert (signs["w7"], signs["w8"]) == (["cache"], ["features"])


def test_another_image_should_cost_nothing() -> None:
    known = Calls()
    reading(known, running())
    image = template(image="registry.internal/w7:2", env=variables(A_URL="http://features:8080"))
    signs, asked = reading(known, running(w7=image))
    assert (signs["w7"], asked) == (["features"], 0)


def test_whoever_asks_another_dns_than_before_should_be_resolved_again() -> None:
    known = Calls()
    reading(known, running())
    workloads = running()
    workloads[7] = msgspec.structs.replace(workloads[7], cluster_dns=False)
    signs, asked = reading(known, workloads)
    assert (signs["w7"], asked) == ([], 1)


LESS = [one for one in SERVICES if (one.namespace, one.name) != ("shop", "features")]
NUMBERED = msgspec.structs.replace(workload(7, calls("http://features:8080")), governing="db")
RENAMED = msgspec.structs.replace(workload(7, calls("http://features:8080")), labels={"app": "features"})


MIXED = {"w3": calls("http://cache:6379"), "w4": calls("http://app.or.internal"), "w5": calls("http://billing")}
"""What leads on (an ingress host, another name of a Service) is resolved again whatever else moved."""


@pytest.mark.parametrize(
    ("services", "workloads", "backends", "expected", "count"),
    [
        (LESS, running(**MIXED), BACKENDS, ["service:c1/shop/features"], COUNT - 1),
        ([*LESS, Service("shop", "features", {"app": "cache"})], running(**MIXED), BACKENDS, ["cache"], COUNT - 1),
        (
            SERVICES,
            [*running(**MIXED)[:7], RENAMED, *running()[8:]],
            BACKENDS,
            ["features", "w7"],
            COUNT - 1,
        ),
        (SERVICES, [*running(**MIXED)[:7], NUMBERED, *running()[8:]], BACKENDS, ["features"], 2),
        (SERVICES, running(**MIXED)[1:], BACKENDS, ["features"], 2),
        (SERVICES, running(**MIXED), [], ["features"], 2),
        ([*SERVICES, Service("shop", "new")], running(**MIXED), BACKENDS, ["features"], 2),
        (SERVICES, running(**MIXED), BACKENDS, ["features"], 0),
    ],
    ids=[
        "a Service goes",
        "a Service selects others",
        "another is selected",
        "pods get names",
        "one goes",
        "an Ingress goes",
        "a Service comes that nobody calls",
        "nothing",
    ],
)
def test_a_changed_name_should_cost_those_who_say_it(
    services: list[Service], workloads: list[Workload], backends: list[Backend], expected: list[str], count: int
) -> None:
    known = Calls()
    reading(known, running(**MIXED))
    signs, asked = reading(known, workloads, services, backends)
    assert (signs["w8"], asked) == (expected, count)


def test_what_is_gone_should_be_forgotten() -> None:
    known, rest = Calls(), [one for one in running() if one.node != "w7"]
    names = Counting("c1", SERVICES, WORKLOADS)  # which these workloads have no part in
    for workloads in (running(), rest, running()):
        list(known.found(names, workloads, lambda _: {}))
    assert names.asked == COUNT + 1


@pytest.mark.parametrize("services", [SERVICES, LESS], ids=["as before", "as then"])
def test_a_reading_that_was_left_midway_should_leave_nothing_of_other_names(services: list[Service]) -> None:
    known = Calls()
    reading(known, running())
    half = known.found(Cluster("c1", LESS, [*WORKLOADS, *running()], BACKENDS), running(), lambda _: {})
    for _ in range(10):
        next(half)
    half.close()  # as somebody does who is cancelled
    signs, asked = reading(known, running(), services)
    assert signs == reading(Calls(), running(), services)[0]
    assert asked == (COUNT if services is SERVICES else COUNT - 10)


# ── the law ──

URLS = (
    "http://features:8080",
    "http://features.data",
    "http://features.data.svc.cluster.local:80",
    "http://features.shop.:8080",
    "http://10.96.0.10:8080",
    "http://10.96.7.7",
    "http://[fd00:0::11]:6379",
    "http://[fd00::13]",
    "http://cache.shop:6379",
    "http://redis",
    "http://split",
    "http://alias:8080",
    "http://circle",
    "http://billing/v1",
    "http://pg-0.db.data:5432",
    "http://pg-1.db.data.svc.cluster.local:5432",
    "http://bare-0.nameless",
    "http://app.or.internal",
    "http://web.or.internal.:80/v1",
    "http://api.billing.com",
    "http://unknown",
    "http://unknown.later",
)
CALLERS = [
    Workload(node, namespace, f"{node}-{place}", {"app": node}, cluster_dns=dns, template=anew(calls(url)))
    for place, url in enumerate(URLS)
    for node, namespace, dns in (("caller", "shop", True), ("features", "shop", True), ("pg", "data", False))
    if node == "caller" or ".internal" in url or "://10." in url  # what answers itself there, or needs no DNS
]
Thing = Service | Workload | Backend
AT_FIRST: list[Thing] = [*SERVICES, *WORKLOADS, *BACKENDS, Service("shop", "nameless")]
OTHERWISE: list[Thing] = [
    Service("shop", "features", {"app": "cache"}, ("10.96.0.10",), frozenset({8080})),
    Service("shop", "features", {"app": "features"}, ("10.96.7.7",), frozenset({9090})),
    Service("shop", "features", external_name="features.data.svc.cluster.local"),
    Service("data", "features", {"app": "none"}),
    Service("shop", "cache", {"app": "cache"}, ("fd00::0:12",)),
    Service("shop", "alias", external_name="cache.shop.svc.cluster.local"),
    Service("shop", "billing", external_name="app.or.internal"),
    Service("shop", "circle", external_name="alias.shop.svc.cluster.local"),
    Service("data", "db", {"app": "pg"}, ("10.96.7.7",)),
    Service("data", "db"),
    Service("shop", "unknown", {"app": "cache"}),
    Service("later", "unknown", {"app": "cache"}),
    Service("shop", "spelled", {"app": "web"}, ("FD00:0::13",)),
    Workload("features", "shop", "features", {"app": "cache"}),
    Workload("renamed", "shop", "features", {"app": "features", "version": "2"}),
    Workload("store", "shop", "store", {"app": "store"}),
    Workload("pg", "data", "pg", {"app": "pg"}, "kafka"),
    Workload("pg", "data", "pg", {"app": "none"}, "db"),
    Workload("other", "data", "pg", {"app": "pg"}, "db"),
    Workload("bare", "shop", "bare", {}, "nameless"),
    Workload("somebody", "later", "somebody", {"app": "cache"}),
    Backend("shop", "app", "app.or.internal", "/", "cache"),
    Backend("shop", "app", "other.or.internal", "/", "web"),
    Backend("shop", "api", "api.billing.com", "/", "features"),
]
"""What may come beside that, or in its place."""
THINGS = [*AT_FIRST, *OTHERWISE]


def place(one: Thing) -> tuple[type[Thing], str, str]:
    """What there is one of."""
    return type(one), one.namespace, one.ingress if isinstance(one, Backend) else one.name


def of_kind(kind: type[T], there: Iterable[Thing]) -> list[T]:
    return [one for one in there if isinstance(one, kind)]


def cluster_of(there: Collection[Thing]) -> Cluster:
    workloads = [*of_kind(Workload, there), *CALLERS]
    return Cluster("c1", of_kind(Service, there), workloads, of_kind(Backend, there))


@given(st.integers())
def test_what_is_kept_should_be_what_a_first_reading_finds_after_any_changed_names(seed: int) -> None:
    chance = random.Random(seed)
    there, known = {place(one): one for one in AT_FIRST}, Calls()
    list(known.found(cluster_of(there.values()), CALLERS, lambda _: {}))
    for _ in range(12):
        one = chance.choice(THINGS)
        if there.get(place(one)) == one:
            del there[place(one)]
        else:
            there[place(one)] = one
        names = cluster_of(there.values())

        kept = {one.name: signs for one, signs in known.found(names, CALLERS, lambda _: {})}

        assert kept == {one.name: first_found(names, one) for one in CALLERS}


@given(st.integers())
def test_what_is_kept_should_be_what_a_first_reading_finds_after_any_changed_texts(seed: int) -> None:
    chance, known = random.Random(seed), Calls()
    services, backends = list(SERVICES), list(BACKENDS)
    workloads = {number: workload(number, calls(chance.choice(URLS))) for number in range(6)}
    for _ in range(8):
        what, number = chance.random(), chance.randrange(6)
        if what < 0.5:
            workloads[number] = workload(number, calls(chance.choice(URLS)))
        elif what < 0.6:
            labels = {"app": chance.choice(["features", "cache", "none"])}
            if number in workloads:
                workloads[number] = msgspec.structs.replace(workloads[number], labels=labels)
        elif what < 0.7:
            workloads.pop(number, None)
        elif what < 0.85:
            services = chance.sample(SERVICES, len(SERVICES) - 2)
        else:
            backends = chance.sample(BACKENDS, chance.randrange(3))
        names = Cluster("c1", services, [*WORKLOADS, *workloads.values()], backends)

        kept = {one.node: signs for one, signs in known.found(names, workloads.values(), lambda _: {})}

        assert kept == {one.node: first_found(names, one) for one in workloads.values()}


def first_found(names: Cluster, one: Workload) -> tuple[Finding, ...]:
    return tuple(found(names, one, mentions(one.template, {})))
