"""The contract's scalars. What a text must look like is said where it is used, so that a wrong one is a Problem with its path."""

from datetime import datetime
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from nexus_gql import clock
from nexus_gql.paths import Path

Instant = NewType("Instant", object)
"""A `datetime`, or the RFC 3339 text that Kubernetes wrote."""
Duration = NewType("Duration", str)
Quantity = NewType("Quantity", str)
ApplicationRef = NewType("ApplicationRef", str)
FeedPosition = NewType("FeedPosition", str)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("A text is expected here.")  # noqa: TRY004 (GraphQL reports ValueErrors)
    return value


def _instant(value: Any) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def _scalar(name: str, description: str, serialize: Any = str) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=serialize, parse_value=_text)


SCALARS: dict[object, ScalarDefinition] = {
    Path: _scalar(
        "Path",
        "An address in the hierarchy, `project[/environment[/namespace[/application]]]`, as in `or/local/models/churn`. "
        "The names in it never change (display names do), so a path is a key to keep.",
    ),
    Instant: _scalar(
        "DateTime",
        "An instant as RFC 3339 writes it, in UTC; times of logs and events keep their nanoseconds.",
        _instant,
    ),
    Duration: _scalar("Duration", "A span of time in Go's notation: `500ms`, `15s`, `1h30m`."),
    Quantity: _scalar("Quantity", "An amount in Kubernetes' notation: `250m` (of CPU), `512Mi` (of memory)."),
    ApplicationRef: _scalar(
        "ApplicationRef",
        "Another application: `or/local/ddk/features` in full, `ddk/features` from within its environment, `features` from "
        "within its namespace.",
    ),
    FeedPosition: _scalar(
        "FeedPosition", "Where a frame stands in its feed. Only equality means anything to a client."
    ),
}


def seconds(span: float) -> Duration:
    """A number of seconds as a Duration."""
    return Duration(clock.format_duration(span))
