"""When a container's probes succeed and fail, computed at its start: no timer ticks for a container that is well."""

from dataclasses import dataclass, replace
from math import ceil

from nexus_gql.sandbox.images import TOO_LATE, Run
from nexus_gql.sandbox.store import Object

_IMPLIED: Object = {
    "httpGet": {"path": "/", "port": 8080, "scheme": "HTTP"},
    "initialDelaySeconds": 5,
    "periodSeconds": 5,
}
"""The probe of a container that declares none and whose image is not ready at once."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A probe that fails for a while, in seconds from the container's start: at `first`, and every period before `until`."""

    kind: str
    message: str
    first: float
    period: float
    until: float

    def after(self, moment: float) -> float | None:
        """When it fails next after a moment."""
        if moment < self.first:
            found = self.first
        else:
            found = self.first + (int((moment - self.first) / self.period + 1e-6) + 1) * self.period
        return found if found < self.until else None


@dataclass(frozen=True, slots=True)
class Course:
    """What the probes of one run will find, in seconds from its start. None: never."""

    started: float | None
    ready: float | None
    killed: float | None
    killer: str
    failing: tuple[Failing, ...]


def course_of(container: Object, run: Run, address: str) -> Course:
    """What will happen, from what is declared and what the run will do."""
    if not run.listens:
        asked = container.get("readinessProbe") is not None
        run = replace(run, answers=TOO_LATE if asked else 0.0, lives=TOO_LATE)
    failing: list[Failing] = []
    startup, killed, killer = container.get("startupProbe"), None, ""
    started: float | None = 0.0
    if startup:
        started, killed = _until(startup, run.lives, 0.0)
        failing += _failures("Startup", startup, run.lives, address, container, until=killed, from_=0.0)
        killer = "Startup"
    if liveness := container.get("livenessProbe"):
        # Liveness is asked only once the startup probe has succeeded; a container that is slow without one is killed.
        begin = started if started is not None else run.lives
        _, late = _until(liveness, run.lives, begin)
        if late is not None and started is not None and killed is None:
            killed, killer = late, "Liveness"
        failing += _failures("Liveness", liveness, run.lives, address, container, until=killed, from_=begin)
    ready = _readiness(container, run, started, address, failing)
    return Course(started, ready, killed, killer, tuple(failing))


def _readiness(
    container: Object, run: Run, started: float | None, address: str, failing: list[Failing]
) -> float | None:
    probe = container.get("readinessProbe")
    if probe is None and started is not None and run.answers is not None and run.answers <= started:
        return started
    probe = probe or _IMPLIED
    begin = started or 0.0
    answers = run.answers if run.answers is not None else float("inf")
    failing += _failures("Readiness", probe, answers, address, container, until=None, from_=begin)
    if started is None or run.answers is None:
        return None
    again = (probe.get("successThreshold", 1) - 1) * _period(probe)
    return _attempt(probe, run.answers, begin) + float(again)


def _until(probe: Object, lives: float, begin: float) -> tuple[float | None, float | None]:
    """When a probe first succeeds, and when it has failed so often before that the container is killed."""
    success = _attempt(probe, lives, begin)
    patience = _attempt(probe, begin, begin) + (probe.get("failureThreshold", 3) - 1) * _period(probe)
    return (success, None) if success <= patience else (None, patience)


def _attempt(probe: Object, moment: float, begin: float) -> float:
    """The first attempt at or after a moment."""
    first = begin + probe.get("initialDelaySeconds", 0)
    if moment <= first:
        return float(first)
    return float(first + ceil((moment - first) / _period(probe) - 1e-9) * _period(probe))


def _failures(
    kind: str, probe: Object, success: float, address: str, container: Object, *, until: float | None, from_: float
) -> list[Failing]:
    first = _attempt(probe, from_, from_)
    end = min(success, until + 1e-6) if until is not None else success
    if first >= end:
        return []
    message = f"{kind} probe failed: {_complaint(probe, container, address, silent=success != float('inf'))}"
    return [Failing(kind, message, first, _period(probe), end)]


def _complaint(probe: Object, container: Object, address: str, *, silent: bool) -> str:
    """What a failing probe says: nobody answers yet, or the answer is no."""
    if http := probe.get("httpGet"):
        where = f"{http.get('host') or address}:{port_of(http['port'], container)}"
        url = f"{http.get('scheme', 'HTTP').lower()}://{where}{http.get('path', '/')}"
        refused = f'Get "{url}": dial tcp {where}: connect: connection refused'
        return refused if silent else "HTTP probe failed with statuscode: 503"
    if tcp := probe.get("tcpSocket"):
        return f"dial tcp {address}:{port_of(tcp['port'], container)}: connect: connection refused"
    if grpc := probe.get("grpc"):
        where = f"{address}:{grpc['port']}"
        refused = f'timeout: failed to connect service "{where}" within 1s: context deadline exceeded'
        return refused if silent else 'service unhealthy (responded with "NOT_SERVING")'
    return "command failed"


def port_of(port: int | str, container: Object) -> int | str:
    """The number behind a port's name."""
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            number: int = declared["containerPort"]
            return number
    return port


def _period(probe: Object) -> float:
    return float(probe.get("periodSeconds") or 10)
