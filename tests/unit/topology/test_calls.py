"""Addresses of a cluster's workloads are resolved again only where a text or a name changed."""

import random
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import Template
from nexus_gql.topology import Address, Backend, Cluster, Finding, Service, Target, Workload, found, mentions
from nexus_gql.topology.calls import Calls

from .cluster_of_cases import BACKENDS, SERVICES, WORKLOADS, template, variables

COUNT = 50


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


@pytest.mark.parametrize(
    ("services", "workloads", "backends", "expected"),
    [
        (LESS, running(), BACKENDS, ["service:c1/shop/features"]),
        ([*LESS, Service("shop", "features", {"app": "cache"})], running(), BACKENDS, ["cache"]),
        (SERVICES, [*running()[:7], RENAMED, *running()[8:]], BACKENDS, ["features", "w7"]),
        (SERVICES, [*running()[:7], NUMBERED, *running()[8:]], BACKENDS, ["features"]),
        (SERVICES, running()[1:], BACKENDS, ["features"]),
        (SERVICES, running(), [], ["features"]),
    ],
    ids=[
        "a Service goes",
        "a Service selects others",
        "another is selected",
        "pods get names",
        "one goes",
        "an Ingress goes",
    ],
)
def test_a_changed_name_should_cost_all(
    services: list[Service], workloads: list[Workload], backends: list[Backend], expected: list[str]
) -> None:
    known = Calls()
    reading(known, running())
    signs, asked = reading(known, workloads, services, backends)
    assert (signs["w8"], asked) == (expected, len(workloads))


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


URLS = ["http://features:8080", "http://cache:6379", "http://app.or.internal", "http://api.billing.com", "nothing"]


@given(st.integers())
def test_what_is_kept_should_be_what_a_first_reading_finds_after_any_changes(seed: int) -> None:
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
