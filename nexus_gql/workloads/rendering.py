"""What Kubernetes objects are made from, and what all of them have: names, labels, annotations."""

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
