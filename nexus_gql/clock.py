"""The one clock: instants, and spans of time as Go writes them.

Waits and ages are measured on the event loop's clock (`elapsed`), which tests make virtual; what a person reads is an instant
in UTC (`now`). Leases use the database's clock, never this one.
"""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta

_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def instant() -> int:
    """This instant, in nanoseconds since 1970."""
    return time.time_ns()


def elapsed() -> float:
    """Seconds on the event loop's clock: only differences mean anything."""
    return asyncio.get_running_loop().time()


def parse_duration(text: str) -> float:
    """Seconds in a span as Go and Kubernetes write it (`500ms`, `15s`, `1h30m`); ValueError where it is none."""
    if text == "0":
        return 0.0
    total, position = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != position:
            break
        total += float(part[1]) * _SECONDS[part[2]]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"A span of time is written as `500ms`, `15s` or `1h30m`; {text[:80]!r} is none.")
    return total


def format_duration(seconds: float) -> str:
    """The shortest way Go would parse again: `1h30m`, `15s`, `250ms`."""
    milliseconds = round(seconds * 1000)
    if milliseconds % 1000:
        return f"{milliseconds / 1000}s" if milliseconds > 1000 else f"{milliseconds}ms"
    minutes, second = divmod(milliseconds // 1000, 60)
    hour, minute = divmod(minutes, 60)
    parts = [f"{amount}{unit}" for amount, unit in ((hour, "h"), (minute, "m"), (second, "s")) if amount]
    return "".join(parts) or "0s"


def parse_instant(text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 instant, at full precision; ValueError where it is none."""
    match = _INSTANT.match(text)
    if match is None:
        raise ValueError(f"An instant is written as `2026-11-24T08:15:00Z`; {text[:80]!r} is none.")
    day, hour, fraction, zone = match.groups()
    whole = datetime.fromisoformat(f"{day}T{hour}{'+00:00' if zone == 'Z' else zone}")
    return int(whole.timestamp()) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def format_instant(nanoseconds: int) -> str:
    """RFC 3339 in UTC with nanoseconds, as log and event times keep them."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    # isoformat, since strftime writes the year of Kubernetes' zero time, 0001, as 1.
    return f"{whole.isoformat()[:19]}.{fraction:09d}Z"
