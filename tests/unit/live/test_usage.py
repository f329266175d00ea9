"""What containers use, added up."""

from dataclasses import asdict
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live import PERIOD, Pod, Usage, node_total
from nexus_gql.live.usage import Place, Sample, measurable, node_sample, pod_sample, total
from nexus_gql.live.usage_metrics import NANO, NodeMetrics, PodMetrics, measured, seconds

MEBI = 2.0**20
BORN, LATER, NEWEST = "2026-11-24T08:00:00Z", "2026-11-24T08:01:00Z", "2026-11-24T08:01:15Z"


def pod(name: str = "a", *containers: dict[str, Any], **more: Any) -> Pod:
    raw = {
        "metadata": {"name": name, "uid": name, "namespace": "models", "creationTimestamp": BORN},
        "spec": {"containers": list(containers) or [container()], "initContainers": more.get("init", [])},
        "status": {"phase": more.get("phase", "Running"), "containerStatuses": more.get("statuses", [])},
    }
    return msgspec.convert(raw, Pod)


def container(name: str = "main", **resources: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "resources": resources}


def used(at: str = LATER, **containers: tuple[float, float]) -> Sample:
    """A sample, from cores and bytes."""
    whole = {name: (round(cpu * NANO), round(memory * NANO)) for name, (cpu, memory) in containers.items()}
    return Sample(at, 15.0, 1, whole)


def at(name: str) -> Place:
    return ("models", name)


RICH = container(requests={"cpu": "100m", "memory": "64Mi"}, limits={"cpu": "1", "memory": "1Gi"})
POOR = container("side", requests={"cpu": "50m"})
ENDED = [{"name": "side", "state": {"terminated": {"exitCode": 0}}}]
SIDECAR = {**container("proxy", requests={"cpu": "10m"}), "restartPolicy": "Always"}

CASES: dict[str, tuple[list[Pod], dict[Place, Sample], dict[str, Any]]] = {
    "nothing": ([], {}, {}),
    "one container": (
        [pod("a", RICH)],
        {at("a"): used(main=(0.2, 32 * MEBI))},
        {
            "cpu": 0.2,
            "memory": 32 * MEBI,
            "cpu_request": 0.1,
            "cpu_limit": 1.0,
            "memory_request": 64 * MEBI,
            "memory_limit": 1024 * MEBI,
            "at": LATER,
        },
    ),
    "a container that asks for nothing": (
        [pod("a")],
        {at("a"): used(main=(0.2, MEBI))},
        {"cpu": 0.2, "memory": MEBI, "at": LATER},
    ),
    "two containers, one of which has a limit": (
        [pod("a", RICH, POOR)],
        {at("a"): used(main=(0.2, MEBI), side=(0.1, MEBI))},
        {
            "cpu": 0.3,
            "memory": 2 * MEBI,
            "cpu_request": 0.15,
            "cpu_limit": 1.0,
            "memory_request": 64 * MEBI,
            "memory_limit": 1024 * MEBI,
            "at": LATER,
        },
    ),
    "a container without a sample: its requests are not counted either": (
        [pod("a", RICH, POOR)],
        {at("a"): used(side=(0.1, MEBI))},
        {"cpu": 0.1, "memory": MEBI, "cpu_request": 0.05, "at": LATER, "missing": 1},
    ),
    "a pod without a sample": ([pod("a", RICH, POOR)], {}, {"missing": 2}),
    "a pod that took the name of an older one": (
        [pod("a")],
        {at("a"): used("2026-11-24T07:59:59Z", main=(9, 9))},
        {"missing": 1},
    ),
    "the newest sample of several": (
        [pod("a"), pod("b")],
        {at("a"): used(main=(1, 1)), at("b"): used(NEWEST, main=(1, 1))},
        {"cpu": 2, "memory": 2, "at": NEWEST},
    ),
    "a pod that has run to its end": ([pod("a", phase="Succeeded"), pod("b", phase="Failed")], {}, {}),
    "a container that has ended beside one that runs": (
        [pod("a", container(), POOR, statuses=ENDED)],
        {at("a"): used(main=(1, 1))},
        {"cpu": 1, "memory": 1, "at": LATER},
    ),
    "a sidecar counts, a step before the start does not": (
        [pod("a", init=[container("before"), SIDECAR])],
        {at("a"): used(main=(1, 1), proxy=(1, 1))},
        {"cpu": 2, "memory": 2, "cpu_request": 0.01, "at": LATER},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_usage_should_be_summed_over_the_same_containers(
    case: tuple[list[Pod], dict[Place, Sample], dict[str, Any]],
) -> None:
    pods, samples, expected = case
    assert asdict(total(pods, samples)) == asdict(Usage()) | expected


@pytest.mark.parametrize(("count", "each", "whole"), [(22, "10m", 0.22), (3, "100m", 0.3), (7, "0.7", 4.9)])
def test_a_sum_should_be_the_number_that_a_person_would_write(count: int, each: str, whole: float) -> None:
    """Added up as floats, 22 requests of 10m came out as 0.22000000000000006 cores."""
    pods = [pod(str(number), container(requests={"cpu": each}, limits={"cpu": each})) for number in range(count)]
    found = total(pods, {at(one.metadata.name): used(main=(whole / count, 0)) for one in pods})

    assert (found.cpu_request, found.cpu_limit) == (whole, whole)
    assert found.cpu == pytest.approx(whole, abs=1e-7)


def test_one_container_of_several_should_be_told_apart() -> None:
    found = total([pod("a", RICH, POOR)], {at("a"): used(main=(1, 1), side=(2, 2))}, "side")

    assert (found.cpu, found.cpu_request, found.missing) == (2, 0.05, 0)


amounts = st.tuples(st.integers(0, 1000).map(float), st.integers(0, 1000).map(float))
pods_used = st.dictionaries(st.sampled_from("abcdefgh"), st.one_of(st.none(), amounts))


@given(pods_used, pods_used.map(lambda found: {name.upper(): value for name, value in found.items()}))
def test_the_usage_of_a_whole_should_be_the_sum_of_its_parts(
    one: dict[str, tuple[float, float] | None], other: dict[str, tuple[float, float] | None]
) -> None:
    def summed(*parts: dict[str, tuple[float, float] | None]) -> tuple[float, float, int]:
        every = [item for part in parts for item in part.items()]
        samples = {at(name): used(main=value) for name, value in every if value is not None}
        found = total([pod(name) for name, _ in every], samples)
        return found.cpu, found.memory, found.missing

    assert summed(one, other) == tuple(left + right for left, right in zip(summed(one), summed(other), strict=True))


def test_a_node_should_use_more_than_its_pods_and_have_their_requests() -> None:
    metrics = msgspec.convert(
        {
            "metadata": {"name": "n"},
            "timestamp": LATER,
            "window": "13.471s",
            "usage": {"cpu": "59763776n", "memory": "387280Ki"},
        },
        NodeMetrics,
    )
    found = node_total(node_sample(metrics, 1), [pod("a", RICH)], {at("a"): used(main=(0.01, 1))})

    assert found is not None
    assert found.cpu == 0.059763776
    assert found.window == pytest.approx(13.471)
    assert (found.memory, found.cpu_request, found.at) == (387280 * 1024, 0.1, LATER)
    assert node_total(None, [], {}) is None


def test_a_pod_that_was_not_measured_again_should_keep_its_sample() -> None:
    def metrics(at: str, cpu: str) -> PodMetrics:
        containers = [{"name": "main", "usage": {"cpu": cpu, "memory": "1Mi"}}]
        raw = {
            "metadata": {"name": "a", "namespace": "models"},
            "timestamp": at,
            "window": "15s",
            "containers": containers,
        }
        return msgspec.convert(raw, PodMetrics)

    first = pod_sample(metrics(LATER, "250m"), 1, None)
    assert first == Sample(LATER, 15.0, 1, {"main": (NANO // 4, int(MEBI) * NANO)})
    assert pod_sample(metrics(LATER, "250m"), 2, first) is first
    assert pod_sample(metrics(NEWEST, "300m"), 3, first).round == 3


def test_what_cannot_be_read_should_count_as_nothing() -> None:
    assert (measured("much"), seconds("long")) == (0, 0.0)
    assert total([pod("a")], {at("a"): Sample(LATER, 0.0, 1, {"main": (1, 1)})}).window == PERIOD


def test_a_pod_of_which_all_has_ended_should_have_nothing_to_measure() -> None:
    assert [spec.name for spec in measurable(pod("a", phase="Succeeded"))] == []
