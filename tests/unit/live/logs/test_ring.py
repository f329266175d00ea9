"""The ring: what is in it, what has left it, and where readers sit down."""

from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.live.logs import Gap, Line, Position, Reason, Start
from nexus_gql.live.logs.ring import Entry, Ring

TIMES = st.lists(st.sampled_from([0, 0, 0, 1, -1, 2]), max_size=40)


def filled(steps: list[int], *, lines: int = 10, characters: int = 1000, size: int = 1) -> tuple[Ring, list[Position]]:
    """A ring that has been given lines, and the position of each."""
    ring, at, position, positions = Ring(lines, characters), 1000, Position(), []
    for step in steps:
        position = position.after(at + step)
        at = max(at, at + step)
        ring.put(position, Line(at, "x" * size))
        positions.append(position)
    return ring, positions


def rest(ring: Ring, seat: int) -> list[Position]:
    found = [ring.at(one) for one in range(seat, ring.end)]
    return [entry.position for entry in found if isinstance(entry, Entry)]


@given(TIMES)
def test_a_ring_should_hold_the_newest_and_know_what_left_it(steps: list[int]) -> None:
    ring, positions = filled(steps)

    assert rest(ring, ring.first) == positions[-10:]
    assert ring.floor_number == ring.first == max(0, len(steps) - 10)
    assert ring.floor == (positions[-11] if len(steps) > 10 else Position())
    assert ring.number_before(ring.end) == len(steps)


@given(TIMES, st.data())
def test_a_reader_should_sit_down_where_it_was_or_not_at_all(steps: list[int], data: st.DataObject) -> None:
    ring, positions = filled(steps)
    number = data.draw(st.integers(0, len(positions)))
    seat = ring.seat(Start(([Position(), *positions])[number]))

    if number >= ring.first:
        assert seat is not None
        assert rest(ring, seat) == positions[number:]
    else:
        assert seat is None


@given(TIMES, st.integers(0, 20))
def test_a_tail_should_be_the_last_ones_or_not_here(steps: list[int], tail: int) -> None:
    ring, positions = filled(steps)
    seat = ring.seat(Start(tail=tail))

    if tail <= min(len(positions), 10) or len(positions) <= 10:
        assert seat is not None
        assert rest(ring, seat) == positions[max(0, len(positions) - tail) :]
    else:
        assert seat is None


def test_long_lines_should_count_by_their_length() -> None:
    ring, positions = filled([1] * 9, size=300)

    assert rest(ring, ring.first) == positions[-3:]


def test_one_line_should_stay_however_long_it_is() -> None:
    ring, positions = filled([1], size=5000)

    assert rest(ring, ring.first) == positions


def test_lines_that_were_left_out_should_be_counted() -> None:
    ring = Ring(lines=2)
    ring.put(Position(1, 1), Line(1, "a"))
    ring.put(Position(5, 1), Gap(Reason.RATE_LIMIT, "", lines=70))
    ring.put(Position(6, 1), Line(6, "b"))
    ring.put(Position(7, 1), Line(7, "c"))

    assert (ring.floor_number, ring.number_before(ring.end)) == (71, 73)


def test_a_position_of_another_container_should_not_be_taken_for_one_here() -> None:
    ring, _ = filled([0, 1])

    assert ring.seat(Start(Position(500, 1))) is None
    assert ring.seat(Start(Position())) == ring.first
