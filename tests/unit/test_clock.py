"""Instants, and spans of time as Go writes them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql import clock


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("500ms", 0.5),
        ("15s", 15.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("2μs", 2e-6),
        ("3ns", 3e-9),
        ("1m1m", 120.0),
    ],
)
def test_a_span_should_be_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert clock.parse_duration(text) == pytest.approx(seconds, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    "text", ["", "1", "s", "1 s", " 1s", "1s ", "-1s", "1d", "1h30", "s1", ".s", "1,5s", "٣s", "1s\n", "1e3s", "∞"]
)
def test_what_go_does_not_read_should_be_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="none"):
        clock.parse_duration(text)


@given(st.integers(0, 10**12))
def test_a_written_span_should_be_read_again(milliseconds: int) -> None:
    assert clock.parse_duration(clock.format_duration(milliseconds / 1000)) == pytest.approx(
        milliseconds / 1000, abs=1e-4
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (1.5, "1.5s"),
        (15, "15s"),
        (60, "1m"),
        (5400, "1h30m"),
        (90061, "25h1m1s"),
        (1_000_000.5, "1000000.5s"),
    ],
)
def test_a_span_should_be_written_shortly(seconds: float, text: str) -> None:
    assert clock.format_duration(seconds) == text


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 999))
def test_an_instant_should_keep_its_nanoseconds(instant: datetime, nanoseconds: int) -> None:
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    exact = ((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds) * 1000 + nanoseconds
    assert clock.parse_instant(clock.format_instant(exact)) == exact


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.123456789123Z", 123_456_789),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
    ],
)
def test_an_instant_should_be_read_as_kubernetes_writes_it(text: str, nanoseconds: int) -> None:
    assert clock.parse_instant(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-24",
        "2026-11-24 08:15:00Z",
        "2026-11-24T08:15:00",
        "2026-13-24T08:15:00Z",
        "\uff12026-11-24T08:15:00Z",
    ],
)
def test_what_is_no_instant_should_be_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clock.parse_instant(text)


def test_now_should_be_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.looptime
async def test_elapsed_should_follow_the_loop() -> None:
    before = clock.elapsed()
    await asyncio.sleep(1000)
    assert clock.elapsed() - before == 1000
