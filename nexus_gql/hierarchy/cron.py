"""Schedules as Kubernetes reads them: github.com/robfig/cron's standard parser, which CronJobs use.

Five fields, `*` and `?`, lists, ranges, steps, English names of months and days; `@daily` and its like. What others allow besides
(seconds, `L`, `#`, Sunday as 7, `TZ=`) the apiserver refuses, and so does this.
"""

import re
import zoneinfo
from decimal import Decimal
from functools import cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    ("day of the week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_EVERY = re.compile(r"@every ((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)\Z", re.ASCII)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_STEP = re.compile(r"([^/]+)(?:/(\d+))?\Z", re.ASCII)


def schedule(text: str) -> str | None:
    """What is wrong with a schedule, or None."""
    if text in _WORDS or ((every := _EVERY.match(text)) and _countable(every[1])):
        return None
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"A schedule has five fields, as in `0 3 * * *` (at three every night); {text[:80]!r} has {len(fields)}."
    for field, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        if not all(_fits(part, low, high, words) for part in field.split(",")):
            return f"The {name} in a schedule is `*` or lies between {low} and {high} (`{low}-{high}`, `*/2`); {field[:40]!r} does not."
    return None


def _countable(span: str) -> bool:
    """Whether Go can count it, which does so in nanoseconds."""
    return sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _SPAN.findall(span)) < 2**63


def _fits(part: str, low: int, high: int, words: dict[str, int]) -> bool:
    match = _STEP.match(part)
    if match is None or (match[2] is not None and int(match[2]) == 0):
        return False
    if match[1] in {"*", "?"}:
        return True
    ends = [_number(end, words) for end in match[1].split("-")]
    numbers = [end for end in ends if end is not None]
    return len(numbers) == len(ends) <= 2 and low <= numbers[0] <= numbers[-1] <= high


def _number(text: str, words: dict[str, int]) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text)
    return words.get(text.lower())


def timezone(text: str) -> str | None:
    """What is wrong with a time zone's name, or None."""
    if text in _zones():
        return None
    return f"A time zone is written as `Europe/Berlin` or `Etc/UTC`; {text[:80]!r} is not known."


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}
