"""Lines as the kubelet sends them, positions, patterns and cursors."""

import base64
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql import clock
from nexus_gql.live.logs import Cursor, Line, MalformedCursor, Pattern, Position, Source, UnusablePattern
from nexus_gql.live.logs.cursor import WINDOW
from nexus_gql.live.logs.lines import TEXT_LIMIT, batches, line_of, split
from nexus_gql.live.logs.source import Skip, Start

SECOND = 1_000_000_000
BEGIN = clock.parse_instant("2026-11-24T08:00:00Z")
SOURCE = Source("c1", "dev", "or-local-models", "churn-1", "4f6f", "churn")


def parse(raw: bytes) -> Line:
    return line_of(*split(raw))


def test_a_line_should_keep_its_nanoseconds_and_its_text() -> None:
    line = parse(b"2026-11-24T08:00:00.123456789Z  model loaded: 3 features ")

    assert line == Line(BEGIN + 123_456_789, " model loaded: 3 features ")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"2026-11-24T08:00:00Z ", ""),
        (b"2026-11-24T08:00:00Z", ""),
        (b"2026-11-24T08:00:00Z a\r", "a"),
        (b"2026-11-24T08:00:00Z \xff\xfe!", "\ufffd\ufffd!"),
        ("2026-11-24T08:00:00Z größer".encode(), "größer"),
        (b"2026-11-24T10:00:00+02:00 a", "a"),
        (b"2026-11-24T08:00:00.000000000Z a", "a"),
        (b"2026-11-24T08:00:00Z \x1b[31mred\x1b[0m\tx", "\x1b[31mred\x1b[0m\tx"),
        (b"2026-11-24T08:00:00Z a\x00b\x07\x7f", "a\ufffdb\ufffd\ufffd"),
    ],
)
def test_a_text_should_be_what_was_written(raw: bytes, text: str) -> None:
    assert parse(raw) == Line(BEGIN, text)


@pytest.mark.parametrize(
    "raw", [b"unable to retrieve container logs for containerd://77aa", b"", b"\xff x", b"2026-13-41T08:00:00Z a"]
)
def test_what_the_kubelet_says_itself_should_be_kept_whole(raw: bytes) -> None:
    assert parse(raw) == Line(0, raw.decode("utf-8", "replace"))


@pytest.mark.parametrize("text", ["a" * TEXT_LIMIT, "ä" * TEXT_LIMIT, "🐙" * TEXT_LIMIT])
def test_a_line_that_is_too_long_should_be_cut_and_say_so(text: str) -> None:
    whole = parse(b"2026-11-24T08:00:00Z " + text.encode())
    cut = parse(b"2026-11-24T08:00:00Z " + (text + "!").encode())

    assert (whole.text, whole.truncated) == (text, False)
    assert (cut.text, cut.truncated) == (text, True)


class Chunked:
    """A stream in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@given(st.lists(st.binary(max_size=8)), st.lists(st.integers(0, 80)))
async def test_lines_should_be_the_same_however_they_come(written: list[bytes], cuts: list[int]) -> None:
    lines = [line.replace(b"\n", b"") for line in written]
    whole = b"\n".join(lines)
    ends = [0, *sorted(cuts), len(whole)]
    pieces = [whole[first:last] for first, last in pairwise(ends)]

    found = [line async for some in batches(Chunked(pieces)) for line in some]

    assert found == [line for line in lines if line]


async def test_a_line_that_never_ends_should_take_no_more_memory_than_is_sent() -> None:
    stamp = b"2026-11-24T08:00:00Z "
    pieces = [stamp, *[b"x" * 10_000] * 1000, b"\n" + stamp + b"next"]

    first, second = [parse(line) async for some in batches(Chunked(pieces)) for line in some]

    assert (first.text, first.truncated) == ("x" * TEXT_LIMIT, True)
    assert (second.text, second.truncated) == ("next", False)
    assert max([len(line) async for some in batches(Chunked(pieces)) for line in some]) < 100_000


# ── positions ──

# Few different times, so that many lines share one; steps below, at and above whole seconds, and some back.
TIMES = st.lists(st.sampled_from([0, 0, 0, 1, -1, -500_000_000, 500_000_000, SECOND - 1, SECOND]), max_size=30)


@given(TIMES, st.data())
def test_a_stream_that_is_cut_anywhere_should_go_on_without_loss_or_repetition(
    steps: list[int], data: st.DataObject
) -> None:
    written, at = [], BEGIN
    for number, step in enumerate(steps):
        # One that goes back is late by so much: what comes after it does not.
        written.append(Line(at + step, str(number)))
        at = max(at, at + step)
    got: list[Line] = []
    position = Position()
    for cut in sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=4))):
        got += resume(written[:cut], position)
        position = position_after(got)
    got += resume(written, position)

    assert got == written


def resume(written: list[Line], position: Position) -> list[Line]:
    """What a reader gets of a log: the apiserver begins at a whole second, and the rest is skipped here."""
    since = Start(position).query(SOURCE, follow=False).get("sinceTime")
    first = clock.parse_instant(str(since)) if since is not None else 0
    assert first % SECOND == 0
    skip = Skip(position)
    return [line for line in written if line.at >= first and skip.wants(line.at)]


def position_after(lines: list[Line]) -> Position:
    position = Position()
    for line in lines:
        position = position.after(line.at)
    return position


def test_many_lines_at_one_instant_should_be_counted() -> None:
    lines = [Line(BEGIN, str(number)) for number in range(1000)]

    assert position_after(lines) == Position(BEGIN, 1000)
    assert resume(lines, Position(BEGIN, 999)) == lines[999:]


def test_what_is_asked_should_follow_the_start() -> None:
    assert Start(tail=100).query(SOURCE, follow=True) == {
        "container": "churn",
        "timestamps": "true",
        "follow": "true",
        "tailLines": 100,
    }
    assert Start(tail=0, since=0.2, previous=True).query(SOURCE, follow=False) == {
        "container": "churn",
        "timestamps": "true",
        "previous": "true",
        "tailLines": 0,
        "sinceSeconds": 1,
    }


def test_a_position_should_come_before_tail_and_since_and_leave_previous_in_force() -> None:
    start = Start(Position(BEGIN + 1, 2), tail=5, since=60, previous=True)

    assert start.query(SOURCE, follow=False) == {
        "container": "churn",
        "timestamps": "true",
        "previous": "true",
        "sinceTime": "2026-11-24T07:59:59Z",
    }


def test_since_should_be_exact_where_kubernetes_takes_whole_seconds() -> None:
    earliest = Start(since=1.5).earliest

    wanted = datetime.now(UTC) - timedelta(seconds=1.5)
    assert abs(earliest / 1e9 - wanted.timestamp()) < 5
    assert Start().earliest == 0
    assert Start(Position(5), since=1).earliest == 0


# ── cursors ──

POSITIONS = st.dictionaries(
    st.text(max_size=20), st.builds(Position, st.integers(0, 40 * SECOND).map(BEGIN.__add__), st.integers(0, 10_000))
)


@given(POSITIONS, st.data())
def test_a_cursor_should_lead_each_source_on_without_loss_and_repeat_nothing(
    positions: dict[str, Position], data: st.DataObject
) -> None:
    lagging = set(data.draw(st.lists(st.sampled_from(sorted(positions)))) if positions else [])
    cursor = Cursor.read(Cursor.of(positions, lagging).text())
    watermark = max((position.at for position in positions.values()), default=0)

    for source, position in positions.items():
        found = cursor.position(source)
        if source in lagging or position.at >= watermark - WINDOW:
            assert found == position
        else:
            assert position.at < found.at == watermark - WINDOW


@given(POSITIONS, POSITIONS)
def test_a_cursor_should_keep_what_it_said_of_unseen_sources_however_far_the_others_go_on(
    before: dict[str, Position], now: dict[str, Position]
) -> None:
    first = Cursor.of(before, set())
    unseen = first.unseen(now)

    cursor = Cursor.read(Cursor.of(now, set(), Cursor.read(unseen.text())).text())

    for source, position in now.items():
        assert cursor.position(source) == position
    for source in [*before, "quiet"]:
        if source not in now:
            assert cursor.position(source) == first.position(source)
    assert cursor.unseen(now) == unseen


def test_a_source_that_wrote_last_at_the_windows_very_beginning_should_not_be_repeated() -> None:
    cursor = Cursor.of({"a": Position(BEGIN + WINDOW, 1), "b": Position(BEGIN, 1)}, set())

    assert not Skip(cursor.position("b")).wants(BEGIN)


def test_a_source_that_has_said_nothing_yet_should_be_read_from_its_beginning() -> None:
    cursor = Cursor.read(Cursor.of({"a": Position(BEGIN, 1), "b": Position()}, {"b"}).text())

    assert cursor.position("b") == Position()


@pytest.mark.parametrize("spread", [0, SECOND, WINDOW, 3600 * SECOND])
def test_a_cursor_of_three_hundred_containers_should_take_less_than_four_kilobytes(spread: int) -> None:
    positions = {
        f"c1/4f6f8f0e-6b0e-4f0e-9a59-{number:012}/churn": Position(BEGIN + spread * number // 300, 1 + number % 9)
        for number in range(300)
    }

    assert len(Cursor.of(positions, set()).text()) < 4096


def test_a_cursor_of_three_hundred_silent_containers_should_be_small_too() -> None:
    positions = {f"c1/{number}/churn": Position() for number in range(300)} | {"talks": Position(BEGIN, 1)}

    assert len(Cursor.of(positions, set(positions)).text()) < 4096


def sealed(body: bytes) -> str:
    return base64.urlsafe_b64encode(body + zlib.crc32(body).to_bytes(4, "big")).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "not a cursor",
        "größer",
        "AAAA",
        Cursor(BEGIN).text()[:-1] + "!",
        Cursor(BEGIN).text()[1:],
        sealed(b""),
        sealed(b"\xff"),
        sealed(b"\x05abc"),
        sealed(b"\x05abcde\x09\x01"),  # before the beginning of time
        sealed(b"\xff" * 20 + b"\x01"),  # after its end
        sealed(b"\x05" * 100_000),
    ],
    ids=range(13),
)
def test_a_cursor_that_was_not_made_here_should_be_refused(text: str) -> None:
    with pytest.raises(MalformedCursor):
        Cursor.read(text)


@given(st.text(max_size=60))
def test_no_text_should_do_anything_else_than_be_refused(text: str) -> None:
    with pytest.raises(MalformedCursor):
        Cursor.read(text)


# ── patterns ──


def test_a_pattern_should_be_found_anywhere_in_a_line() -> None:
    pattern = Pattern.of("err(or)?s?", invert=False)
    inverted = Pattern.of("err(or)?s?", invert=True)

    assert pattern is not None
    assert inverted is not None
    for text in ("3 errors", "größer", "", "\ufffd", "ERROR"):
        assert pattern.wants(text) is not inverted.wants(text)
    assert pattern.wants("3 errors")
    assert not pattern.wants("ERROR")


def test_no_pattern_should_mean_none() -> None:
    assert Pattern.of(None, invert=True) is None


@pytest.mark.parametrize("text", ["(", "a**", "[z-a]", r"(a)\1", "(?=a)", "a" * 1001, "((a{100}){100}){100}"])
def test_a_pattern_that_is_none_in_re2_should_be_refused_in_words(text: str) -> None:
    with pytest.raises(UnusablePattern, match=r"[a-z]"):
        Pattern.of(text, invert=False)
