"""Addresses in the hierarchy: `project[/environment[/namespace[/application]]]`.

A path is a plain `str` in its canonical form. Its segments are DNS labels (RFC 1123, at most 63 characters) and never change,
so a path is a stable key. Nothing here looks anything up.
"""

import hashlib
import re
from typing import NewType

Path = NewType("Path", str)

DEPTHS = ("project", "environment", "namespace", "application")

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_KUBERNETES_NAME_LIMIT = 63


class MalformedPath(ValueError):
    """The text is no path; the message says what was expected and what came."""


def is_label(name: str) -> bool:
    """Whether a name is a DNS label: lower-case letters, digits and hyphens, 63 at most, no hyphen at either end."""
    return _LABEL.match(name) is not None


def parse(text: str) -> Path:
    """The path that a text from outside spells, or MalformedPath."""
    segments = text.split("/")
    if not 1 <= len(segments) <= len(DEPTHS):
        raise MalformedPath(
            f"A path has one to four segments, as in `or/local/models/churn`; this has {len(segments)}: {text[:300]!r}."
        )
    for segment in segments:
        if not is_label(segment):
            raise MalformedPath(
                f"Each segment of a path is a DNS label (lower-case letters, digits and hyphens, at most 63); {segment[:80]!r} is not."
            )
    return Path(text)


def depth(path: Path) -> int:
    """1 for a project, 4 for an application."""
    return path.count("/") + 1


def name(path: Path) -> str:
    """The last segment."""
    return path.rpartition("/")[2]


def parent(path: Path) -> Path | None:
    """The level above; None above a project."""
    head = path.rpartition("/")[0]
    return Path(head) if head else None


def child(path: Path, segment: str) -> Path:
    """The level of that name below."""
    return Path(f"{path}/{segment}")


def lineage(path: Path) -> list[Path]:
    """The path's levels from the project down to itself."""
    segments = path.split("/")
    return [Path("/".join(segments[: count + 1])) for count in range(len(segments))]


def within(scope: Path | None, path: Path) -> bool:
    """Whether the path is the scope or below it; everything is within None."""
    return scope is None or path == scope or path.startswith(f"{scope}/")


def resolve_reference(reference: str, application: Path) -> Path:
    """The application that a reference means, seen from another application.

    Four segments are absolute (`or/local/ddk/features`), two are relative to the own environment (`ddk/features`) and one to
    the own namespace. Raises MalformedPath.
    """
    segments = reference.split("/")
    own = application.split("/")
    prefix = {4: [], 2: own[:2], 1: own[:3]}.get(len(segments))
    if prefix is None:
        raise MalformedPath(
            f"A reference has four segments (`or/local/ddk/features`), two (`ddk/features`) or one (`features`); {reference[:300]!r} has {len(segments)}."
        )
    return parse("/".join([*prefix, *segments]))


def kubernetes_namespace(namespace: Path) -> str:
    """The default name of a namespace on its cluster: `<project>-<environment>-<namespace>`.

    Where that is longer than a Kubernetes name may be, it is cut and ends in a hash of the whole, so that two long names that
    begin alike stay different.
    """
    plain = namespace.replace("/", "-")
    if len(plain) <= _KUBERNETES_NAME_LIMIT:
        return plain
    digest = hashlib.sha256(namespace.encode()).hexdigest()[:8]
    return f"{plain[: _KUBERNETES_NAME_LIMIT - 9].rstrip('-')}-{digest}"
