"""What every Kubernetes object has: its metadata and conditions, frozen, and only the fields that somebody reads.

Decoded straight from the apiserver's JSON; times stay the RFC 3339 texts that it wrote.
"""

from typing import Protocol

from msgspec import Struct


class Slim(Struct, frozen=True, rename="camel", gc=False):
    """A part of an object. Nothing here refers back to what holds it, so the garbage collector need not look."""


class Owner(Slim, frozen=True):
    """Who an object belongs to."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Meta(Slim, frozen=True):
    """An object's metadata."""

    name: str
    uid: str
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    owner_references: list[Owner] = []


class Observed(Protocol):
    """Anything with Kubernetes metadata."""

    @property
    def metadata(self) -> Meta:
        """Its name, namespace, UID, labels and owners."""
        ...


class NotedMeta(Meta, frozen=True):
    """Metadata of kinds whose annotations are read."""

    annotations: dict[str, str] = {}


class Condition(Slim, frozen=True):
    """One of an object's conditions."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None
