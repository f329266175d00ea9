"""Usage as values: what containers used, and what that comes to for pods and whatever is made of pods."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from .objects import ContainerSpec, Pod
from .usage_metrics import NANO, NodeMetrics, PodMetrics, declared, measured, seconds

PERIOD = 15.0
"""Seconds between two samples."""

Place = tuple[str, str]
"""A pod's Kubernetes namespace and name, which is all that metrics.k8s.io knows of it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a pod's containers used (billionths of cores and bytes), until when (RFC 3339), and over how many seconds.

    `round`: in which of the poller's rounds it was seen first.
    """

    at: str
    window: float
    round: int
    containers: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Usage:
    """Cores and bytes, with requests and limits of the same containers: None where none of them has one.

    `at`: the newest sample's instant, None where there is none. `missing`: containers without a sample.
    """

    cpu: float = 0.0
    memory: float = 0.0
    cpu_request: float | None = None
    cpu_limit: float | None = None
    memory_request: float | None = None
    memory_limit: float | None = None
    at: str | None = None
    window: float = PERIOD
    missing: int = 0


def pod_sample(metrics: PodMetrics, number: int, known: Sample | None) -> Sample:
    """A pod's sample; the one that is known, where it was not measured again since."""
    if known is not None and known.at == metrics.timestamp:
        return known
    amounts = {one.name: (measured(one.usage.cpu), measured(one.usage.memory)) for one in metrics.containers}
    return Sample(metrics.timestamp, seconds(metrics.window), number, amounts)


def node_sample(metrics: NodeMetrics, number: int) -> Sample:
    """A node's sample: one amount, under no name."""
    amounts = {"": (measured(metrics.usage.cpu), measured(metrics.usage.memory))}
    return Sample(metrics.timestamp, seconds(metrics.window), number, amounts)


def total(pods: Iterable[Pod], samples: Mapping[Place, Sample], container: str | None = None) -> Usage:
    """What pods use together; of each only one container, where one is named."""
    sums = _Sums()
    for pod in pods:
        sample = sample_of(pod, samples)
        for spec in measurable(pod):
            if container is None or spec.name == container:
                sums.add(spec, sample)
    return sums.usage()


def node_total(sample: Sample | None, pods: Iterable[Pod], samples: Mapping[Place, Sample]) -> Usage | None:
    """What a node uses, with what its pods ask for; None where it was not measured."""
    if sample is None:
        return None
    below = total(pods, samples)
    cpu, memory = sample.containers[""]
    return replace(below, cpu=cpu / NANO, memory=memory / NANO, at=sample.at, window=sample.window)


def sample_of(pod: Pod, samples: Mapping[Place, Sample]) -> Sample | None:
    """A pod's own sample: one that is older than the pod is of another that had its name."""
    found = samples.get((pod.metadata.namespace, pod.metadata.name))
    return None if found is None or found.at < pod.metadata.creation_timestamp else found


def measurable(pod: Pod) -> Iterator[ContainerSpec]:
    """The containers of a pod that use something: those that have ended, and steps before the start, do not."""
    if pod.status.phase in {"Succeeded", "Failed"}:
        return
    ended = {status.name for status in pod.status.container_statuses if status.state.terminated is not None}
    yield from (spec for spec in pod.spec.init_containers if spec.restart_policy == "Always")
    yield from (spec for spec in pod.spec.containers if spec.name not in ended)


class _Sums:
    """Adds up containers."""

    def __init__(self) -> None:
        self._cpu = self._memory = 0
        self._declared: list[int | None] = [None, None, None, None]
        self._at: str | None = None
        self._window = 0.0
        self._missing = 0

    def add(self, spec: ContainerSpec, sample: Sample | None) -> None:
        amounts = None if sample is None else sample.containers.get(spec.name)
        if sample is None or amounts is None:
            self._missing += 1
            return
        self._cpu += amounts[0]
        self._memory += amounts[1]
        self._at = sample.at if self._at is None else max(self._at, sample.at)
        self._window = max(self._window, sample.window)
        requests, limits = spec.resources.requests, spec.resources.limits
        for place, text in enumerate((requests.cpu, limits.cpu, requests.memory, limits.memory)):
            if text:
                self._declared[place] = (self._declared[place] or 0) + declared(text)

    def usage(self) -> Usage:
        sums = (None if amount is None else amount / NANO for amount in self._declared)
        cpu_request, cpu_limit, memory_request, memory_limit = sums
        return Usage(
            cpu=self._cpu / NANO,
            memory=self._memory / NANO,
            cpu_request=cpu_request,
            cpu_limit=cpu_limit,
            memory_request=memory_request,
            memory_limit=memory_limit,
            at=self._at,
            window=self._window or PERIOD,
            missing=self._missing,
        )
