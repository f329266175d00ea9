"""Long work is cut into portions, and others have their turn between them."""

import asyncio
from collections.abc import Iterator

from nexus_gql.topology import Board
from nexus_gql.topology.turns import PORTION, Steps, at_once, in_turns, portions

from .making import DOWN, FINE, STATES, edge, node

COUNT = 3 * PORTION + 7


def test_nothing_should_be_asked_for_before_its_portion() -> None:
    asked: list[int] = []

    def source() -> Iterator[int]:
        for number in range(COUNT):
            asked.append(number)
            yield number

    sizes = [(len(portion), len(asked)) for portion in portions(source())]

    assert sizes == [(PORTION, PORTION), (PORTION, 2 * PORTION), (PORTION, 3 * PORTION), (7, COUNT)]


def counting(count: int, done: list[int]) -> Steps[str]:
    for number in range(count):
        done.append(number)
        yield
    return "done"


def test_work_should_come_to_the_same_at_once_as_in_turns() -> None:
    assert at_once(counting(3, [])) == asyncio.run(in_turns(counting(3, []))) == "done"


async def test_others_should_have_their_turn_between_portions() -> None:
    done: list[int] = []
    work = asyncio.create_task(in_turns(counting(5, done)))
    seen = []
    while not work.done():
        seen.append(len(done))
        await asyncio.sleep(0)

    assert seen[:6] == [0, 1, 2, 3, 4, 5]


def long_chain() -> Board:
    board = Board()
    for number in range(COUNT):
        board.put_node(node(f"n{number:04}"), STATES[FINE])
        board.set_edges(f"n{number:04}", [edge(f"n{number:04}", f"n{number + 1:04}")])
    return board


def test_a_flush_in_steps_should_show_what_was_before_until_it_is_done() -> None:
    board, other = long_chain(), long_chain()
    for one in (board, other):
        one.flush()
    before = other.picture()
    for one in (board, other):
        one.set_state(f"n{COUNT - 1:04}", STATES[DOWN])

    shown = [(board.picture() == before, board.shown("n0000") == before.nodes["n0000"]) for _ in board.flush_in_steps()]
    other.flush()

    assert len(shown) > 2 * COUNT // PORTION
    assert set(shown) == {(True, True)}
    assert board.picture() == other.picture()


def test_a_small_change_should_be_flushed_in_one_step() -> None:
    board = long_chain()
    board.flush()
    board.set_state("n0050", STATES[DOWN])
    board.set_edges("n0007", [])

    assert list(board.flush_in_steps()) == []
    assert board.picture().root_causes == ("n0050",)
