"""What Prometheus reads, in a registry of the application's own: two applications in one process do not mix."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from nexus_gql.problems import Failure


class Protocol(StrEnum):
    """How an operation came in."""

    HTTP = "http"
    SSE = "sse"
    WEBSOCKET = "websocket"


class Outcome(StrEnum):
    """How an operation ended."""

    OK = "ok"
    ERRORS = "errors"
    "with errors in an answer"
    REJECTED = "rejected"
    "refused before it was executed"
    LEFT = "left"
    "the client left, or the connection was ended, before anything was answered"


class Execution(StrEnum):
    """What was executed for a whole cohort."""

    SNAPSHOT = "snapshot"
    CHANGE = "change"
    ARRIVAL = "arrival"
    "a frame of what lies before the front of an ordered feed"


class Metrics:
    """Counters of the server, and gauges that the application gives it."""

    def __init__(self, gauges: Mapping[str, Callable[[], float]]) -> None:
        self._registry = CollectorRegistry()
        self._operations = Counter(
            "nexus_operations", "GraphQL operations that ended.", ["protocol", "outcome"], registry=self._registry
        )
        self._errors = Counter("nexus_errors", "Errors sent to clients.", ["code"], registry=self._registry)
        self._executions = Counter(
            "nexus_executions",
            "Snapshots, batches of changes and frames of arrivals, each executed once for all equal subscriptions.",
            ["kind"],
            registry=self._registry,
        )
        for kind in Execution:
            self._executions.labels(kind.value)
        self._codes = frozenset(_codes(Failure))
        for name, read in gauges.items():
            Gauge(name, name.replace("_", " "), registry=self._registry).set_function(read)

    def ended(self, protocol: Protocol, outcome: Outcome) -> None:
        """Count an operation."""
        self._operations.labels(protocol.value, outcome.value).inc()

    def failed(self, code: str) -> None:
        """Count an error; a code that is none of ours counts as INTERNAL, so that nobody can make labels without end."""
        self._errors.labels(code if code in self._codes else Failure.code).inc()

    def executed(self, kind: Execution) -> None:
        """Count a shared execution."""
        self._executions.labels(kind.value).inc()

    def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self._registry)


def _codes(kind: type[Failure]) -> set[str]:
    return {kind.code}.union(*(_codes(below) for below in kind.__subclasses__()))
