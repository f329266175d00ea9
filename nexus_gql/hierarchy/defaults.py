"""What is in force where no level says anything, by the application's kind."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .documents import takes_away
from .rules import read_quantity
from .settings import RolloutStrategy, WorkloadKind
from .values import Json


class ApplicationKind(StrEnum):
    """What an application is to the team that builds it; decides its defaults."""

    MODEL = "MODEL"
    DATA_SERVER = "DATA_SERVER"
    FRONTEND = "FRONTEND"
    AGENT = "AGENT"
    SERVICE = "SERVICE"


def defaults(kind: ApplicationKind | None, declared: Mapping[str, Any]) -> dict[str, Json]:
    """Nexus's own settings, given what the levels declare together (marks included). `kind` None: of a level above applications."""
    workload = workload_kind(declared)
    document: dict[str, Json] = {
        "workload": WorkloadKind.DEPLOYMENT.value,
        "resources.cpuRequest": _at_most("100m", declared.get("resources.cpuLimit")),
        "resources.memoryRequest": _at_most("128Mi", declared.get("resources.memoryLimit")),
    }
    if workload in {WorkloadKind.JOB, WorkloadKind.CRON_JOB}:
        return document
    document |= _rollout(workload, declared)
    if workload is not WorkloadKind.DAEMON_SET:
        document["replicas"] = 1
    if kind is not None:
        document["ports.http"] = {"port": 80 if kind is ApplicationKind.FRONTEND else 8080}
        if kind is not ApplicationKind.FRONTEND and _has_http_port(declared) and "probes.readiness" not in declared:
            document["probes.readiness"] = {"tcp": True, "port": "http"}
    return document


def workload_kind(document: Mapping[str, Any]) -> WorkloadKind:
    """What kind of workload a document (marked or settled) makes."""
    word = document.get("workload")
    return WorkloadKind.DEPLOYMENT if word is None or takes_away(word) else WorkloadKind(word)


def _rollout(workload: WorkloadKind, declared: Mapping[str, Any]) -> dict[str, Json]:
    """A rolling update without unavailability, as far as the workload knows one."""
    document: dict[str, Json] = {"rollout.strategy": RolloutStrategy.ROLLING.value, "rollout.deadline": "10m"}
    if workload is WorkloadKind.DEPLOYMENT:
        if (declared.get("resources.gpus") or 0) > 0:
            # A rolling update would wait for a second set of GPUs, which few clusters have to spare.
            document["rollout.strategy"] = RolloutStrategy.RECREATE.value
        if declared.get("rollout.strategy", document["rollout.strategy"]) != RolloutStrategy.RECREATE:
            document["rollout.maxUnavailable"] = "0"
    elif workload is WorkloadKind.DAEMON_SET:
        unavailable = declared.get("rollout.maxUnavailable", "0")
        if isinstance(unavailable, str) and unavailable.rstrip("%").strip("0") == "":
            document |= {"rollout.maxUnavailable": "0", "rollout.maxSurge": "1"}
    return document


def _at_most(request: str, limit: Any) -> str:
    """The default request, or the limit that a level sets below it: Kubernetes refuses a request above its limit."""
    amount, most = read_quantity(request), read_quantity(limit) if isinstance(limit, str) else None
    return limit if amount is not None and most is not None and most < amount else request


def _has_http_port(declared: Mapping[str, Any]) -> bool:
    """Whether a TCP port `http` is there: declared, or by default and not taken away."""
    if "ports.http" in declared:
        port = declared["ports.http"]
        return not takes_away(port) and port.get("protocol") in {None, "TCP"}
    return declared.get("ports", ...) is not None
