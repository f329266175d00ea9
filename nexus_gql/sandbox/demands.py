"""What pods ask of nodes: resources as numbers, summed as the scheduler sums them."""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.quantities import parse
from nexus_gql.sandbox.store import Object

Amounts = dict[str, int]
"""By resource, in thousandths: whole numbers add up exactly and compare ten times as fast as decimals."""
THOUSANDTHS = 1000


def amounts(resources: Mapping[str, str] | None) -> Amounts:
    """Resources as numbers."""
    return {name: int(parse(str(value)) * THOUSANDTHS) for name, value in (resources or {}).items()}


def requested(pod: Object) -> Amounts:
    """What a pod asks of its node: the sum over its containers, or the largest of the init containers where that is more."""
    spec = pod["spec"]
    total = summed(_requests(container) for container in spec.get("containers", ()))
    for container in spec.get("initContainers") or ():
        wanted = _requests(container)
        if container.get("restartPolicy") == "Always":
            total = summed((total, wanted))
        else:
            total = {name: max(total.get(name, 0), wanted.get(name, 0)) for name in {**total, **wanted}}
    return total


def summed(parts: Iterable[Amounts]) -> Amounts:
    """Amounts added up by name."""
    total: Amounts = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total


def _requests(container: Object) -> Amounts:
    """A limit without a request is the request too."""
    resources = container.get("resources") or {}
    return {**amounts(resources.get("limits")), **amounts(resources.get("requests"))}
