"""Cron schedules as Kubernetes reads them: five fields, names, steps, `@daily` and the like; day of month or day of week where both are set."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 6, _DAYS))
_EVERY = re.compile(r"@every ((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_HORIZON = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is to happen, minute by minute."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def after(self, moment: datetime) -> datetime | None:
        """The next time after a moment, in its zone; None where there is none in five years."""
        found = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = found + _HORIZON
        while found < end:
            if found.month not in self.months or not self._has_day(found):
                found = found.replace(hour=0, minute=0) + timedelta(days=1)
            elif found.hour not in self.hours:
                found = found.replace(minute=0) + timedelta(hours=1)
            elif found.minute not in self.minutes:
                found += timedelta(minutes=1)
            else:
                return found
        return None

    def _has_day(self, moment: datetime) -> bool:
        in_month, in_week = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return (in_month and in_week) if self.any_day or self.any_weekday else (in_month or in_week)


@dataclass(frozen=True, slots=True)
class Every:
    """`@every 90s`: so many whole seconds after the time before, one at least."""

    seconds: int

    def after(self, moment: datetime) -> datetime | None:
        """The next time after a moment."""
        return moment.replace(microsecond=0) + timedelta(seconds=self.seconds)


@lru_cache(maxsize=1024)
def parse(text: str) -> Schedule | Every:
    """The schedule; ValueError where it is none."""
    if (every := _EVERY.fullmatch(text)) is not None:
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(every[1]))
        return Every(max(1, int(seconds)))
    fields = _SHORT.get(text.strip().lower(), text).split()
    if len(fields) != 5:
        raise ValueError(f"A schedule has five fields, as `*/5 * * * *`; {text[:80]!r} has {len(fields)}.")
    minutes, hours, days, months, weekdays = (
        _field(field, *limits) for field, limits in zip(fields, _FIELDS, strict=True)
    )
    any_day, any_weekday = (fields[place][0] in "*?" for place in (2, 4))
    return Schedule(minutes, hours, days, months, weekdays, any_day, any_weekday)


def _field(text: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _value(begin, low, names)
            last = _value(end, low, names) if dash else high if step else first
        if not low <= first <= last <= high or (step and not step.isdecimal()) or step == "0":
            raise ValueError(f"{part!r} is not between {low} and {high}.")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _value(text: str, low: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    return int(text)
