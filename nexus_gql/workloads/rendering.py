"""What Kubernetes objects are made from, and what all of them have: names, labels, annotations."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nexus_gql.hierarchy import RESERVED, Document, entries
from nexus_gql.paths import Path, name

Manifest = dict[str, Any]

APPLICATION = f"{RESERVED}/application"
INSTALLATION = f"{RESERVED}/installation"
PATH = f"{RESERVED}/path"
NUMBER = f"{RESERVED}/operation"
RESTARTED = f"{RESERVED}/restarted-at"
SECRETS = f"{RESERVED}/secrets"
FILES = f"{RESERVED}/files"

_NAME_LIMIT = 63


@dataclass(frozen=True, slots=True)
class Rendering:
    """All that decides what an application looks like on its cluster.

    `urls`: for each service-valued variable the address that it holds. `secrets_fingerprint`: changes when a secret does.
    `revision`: a job is a new object for each.
    """

    path: Path
    application_id: str
    installation_id: str
    namespace: str
    settings: Document
    urls: Mapping[str, str]
    secrets_fingerprint: str | None = None
    revision: int = 0


def object_name(path: Path, suffix: str = "", limit: int = _NAME_LIMIT) -> str:
    """The name of one of an application's objects; where it would be too long it is cut, and ends in a hash of the whole."""
    return _cut(name(path), suffix, limit)


def service_name(path: Path, suffix: str = "") -> str:
    """The name of one of an application's Services, which Kubernetes wants to begin with a letter."""
    called = name(path)
    return _cut(f"app-{called}" if called[0].isdigit() else called, suffix, _NAME_LIMIT)


def _cut(called: str, suffix: str, limit: int) -> str:
    whole = called + suffix
    if len(whole) <= limit:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    kept = limit - len(suffix) - 9
    return f"{called[:kept].rstrip('-')}-{digest}{suffix}"


def metadata(rendering: Rendering, called: str, extra: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An object's metadata. `extra`: annotations of its own."""
    annotations = {**entries(rendering.settings, "annotations"), **(extra or {}), PATH: rendering.path}
    return {
        "name": called,
        "namespace": rendering.namespace,
        "labels": labels(rendering),
        "annotations": annotations,
    }


def labels(rendering: Rendering) -> dict[str, str]:
    """The labels of every object and pod."""
    return {
        "app.kubernetes.io/name": name(rendering.path),
        "app.kubernetes.io/managed-by": "nexus",
        **entries(rendering.settings, "labels"),
        APPLICATION: rendering.application_id,
        INSTALLATION: rendering.installation_id,
    }


def selector(rendering: Rendering) -> dict[str, str]:
    """The label by which an application's pods are found: never changes, since a workload's selector cannot."""
    return {APPLICATION: rendering.application_id}
