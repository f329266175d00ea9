"""Cron schedules."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox.cron import parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "following"),
    [
        ("* * * * *", "2026-01-01T00:00:30", "2026-01-01T00:01:00"),
        ("*/5 * * * *", "2026-01-01T00:05:00", "2026-01-01T00:10:00"),
        ("0 3 * * *", "2026-01-01T03:00:00", "2026-01-02T03:00:00"),
        ("30 6 * * 1-5", "2026-01-02T07:00:00", "2026-01-05T06:30:00"),
        ("0 0 * * sun", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("@every 90s", "2026-01-01T00:00:00", "2026-01-01T00:01:30"),
        ("@every 1h0.5m", "2026-01-01T00:00:00", "2026-01-01T01:00:30"),
        ("@every 10ms", "2026-01-01T00:00:00", "2026-01-01T00:00:01"),
        ("0 0 1 jan,jul *", "2026-01-01T00:00:00", "2026-07-01T00:00:00"),
        ("0 0 31 * *", "2026-01-31T00:00:00", "2026-03-31T00:00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 0 13 * fri", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("10-20/5 8 * * *", "2026-01-01T08:15:00", "2026-01-01T08:20:00"),
        ("50/3 * * * *", "2026-01-01T00:53:00", "2026-01-01T00:56:00"),
        ("@hourly", "2026-01-01T00:00:00", "2026-01-01T01:00:00"),
        ("@weekly", "2026-01-01T00:00:00", "2026-01-04T00:00:00"),
        ("0 0 ? * *", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
    ],
)
def test_the_next_time_should_be_found(schedule: str, moment: str, following: str) -> None:
    assert parse(schedule).after(at(moment)) == at(following)


@pytest.mark.parametrize(
    "schedule",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "*/0 * * * *",
        "5-1 * * * *",
        "x * * * *",
        "0 0 * * 7",
        "@every 1d",
    ],
)
def test_what_is_no_schedule_should_be_refused(schedule: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the contract
        parse(schedule)


def test_a_day_that_never_comes_should_have_no_time() -> None:
    assert parse("0 0 31 2 *").after(at("2026-01-01T00:00:00")) is None


def test_a_zone_should_shift_the_hours() -> None:
    found = parse("0 3 * * *").after(at("2026-06-01T00:00:00").astimezone(ZoneInfo("Europe/Berlin")))
    assert found is not None
    assert found.astimezone(UTC) == at("2026-06-01T01:00:00")


@given(step=st.integers(1, 59), moment=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001 - a zone is added
def test_steps_should_be_multiples_within_the_hour(step: int, moment: datetime) -> None:
    found = parse(f"*/{step} * * * *").after(moment.replace(tzinfo=UTC))
    assert found is not None
    assert found.minute % step == 0
    assert found > moment.replace(tzinfo=UTC)
