"""What the objects of an application are called on its cluster; of its Services also which there are."""

import hashlib
from typing import Any

from nexus_gql.paths import Path, name

from .consistency import entries
from .defaults import workload_kind
from .documents import Document
from .settings import WorkloadKind

_NAME_LIMIT = 63
# A StatefulSet's pods carry a label with its name and a hash, a CronJob's jobs its name and a number, both of 63 at most.
_SHORT_NAME = 52


def object_name(path: Path, suffix: str = "", limit: int = _NAME_LIMIT) -> str:
    """The name of one of an application's objects; where it would be too long it is cut, and ends in a hash of the whole."""
    return _cut(name(path), suffix, limit)


def short_name(path: Path) -> str:
    """The name of a StatefulSet or CronJob."""
    return object_name(path, limit=_SHORT_NAME)


def service_name(path: Path, suffix: str = "") -> str:
    """The name of one of an application's Services, which Kubernetes wants to begin with a letter."""
    called = name(path)
    return _cut(f"app-{called}" if called[0].isdigit() else called, suffix, _NAME_LIMIT)


def governing_service(path: Path) -> str:
    """The headless Service that gives a StatefulSet's pods their names."""
    return service_name(path, "-pods")


def service_names(path: Path, settings: Document) -> set[str]:
    """The names of an application's Services: the one that others call, and the one of a StatefulSet's pods."""
    found = {service_name(path)} if exposed(settings) else set()
    return found | ({governing_service(path)} if workload_kind(settings) is WorkloadKind.STATEFUL_SET else set())


def exposed(settings: Document) -> dict[str, dict[str, Any]]:
    """The ports that the Service offers, by name."""
    if workload_kind(settings) in {WorkloadKind.JOB, WorkloadKind.CRON_JOB}:
        return {}
    return {port: spec for port, spec in entries(settings, "ports").items() if spec.get("expose") is not False}


def _cut(called: str, suffix: str, limit: int) -> str:
    whole = called + suffix
    if len(whole) <= limit:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    kept = limit - len(suffix) - 9
    return f"{called[:kept].rstrip('-')}-{digest}{suffix}"
