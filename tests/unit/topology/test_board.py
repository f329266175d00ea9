"""What a live feed tells the board, and what the board says of it."""

import itertools

import pytest

from nexus_gql.hierarchy import Need
from nexus_gql.topology import Board, Delta, Edge, End, NodeKind

from .making import DECLARED, DOWN, FINE, STATES, WEAK, arrows, board, edge, node


def ids(delta: Delta) -> tuple[list[str], list[str], list[str], list[str], list[str]]:
    """What is in a delta, by id."""
    return (
        [one.node.id for one in delta.nodes],
        [one.edge.id for one in delta.edges],
        list(delta.removed_nodes),
        list(delta.removed_edges),
        list(delta.root_causes),
    )


def chain_of(count: int) -> Board:
    """n0 needs n1 needs n2, and so on; all is well."""
    names = [f"n{number}" for number in range(count)]
    edges = " ".join(f"{a}>{b}" for a, b in itertools.pairwise(names))
    return board(dict.fromkeys(names, FINE), arrows(edges))


def test_nothing_should_come_of_nothing() -> None:
    live = chain_of(3)
    live.set_state("n1", STATES[FINE])

    assert not live.flush()


def test_a_delta_should_hold_what_a_failure_reaches_and_nothing_else() -> None:
    live = chain_of(5)
    live.set_state("n2", STATES[DOWN])

    assert ids(live.flush()) == (["n0", "n1", "n2"], ["n0>n1", "n1>n2"], [], [], ["n2"])


def test_a_state_that_nobody_feels_should_send_its_node_alone() -> None:
    live = chain_of(5)
    live.put_node(node("n2", group="other"), STATES[FINE])

    assert ids(live.flush()) == (["n2"], [], [], [], [])


def test_a_change_that_is_taken_back_before_the_flush_should_not_be_told() -> None:
    live = chain_of(5)
    live.set_state("n4", STATES[DOWN])
    live.set_state("n4", STATES[FINE])

    assert not live.flush()


def test_an_edge_should_wait_for_its_node_and_go_and_come_with_it() -> None:
    live = Board()
    live.put_node(node("a"), STATES[FINE])
    live.set_edges("a", [edge("a", "b")])
    first = live.flush()
    live.put_node(node("b"), STATES[FINE])
    second = live.flush()
    live.remove_node("b")
    third = live.flush()
    live.put_node(node("b"), STATES[WEAK])

    assert ids(first)[:2] == (["a"], [])
    assert ids(second)[:2] == (["b"], ["a>b"])
    assert ids(third)[2:4] == (["b"], ["a>b"])
    assert ids(live.flush()) == (["a", "b"], ["a>b"], [], [], ["b"])


def test_edges_from_a_node_that_is_not_there_yet_should_wait_as_well() -> None:
    live = Board()
    live.set_edges("a", [edge("a", "b")])
    live.put_node(node("b"), STATES[DOWN])
    live.flush()
    live.put_node(node("a"), STATES[FINE])

    assert ids(live.flush())[:2] == (["a"], ["a>b"])


def test_a_need_that_changes_should_change_the_edge_and_what_comes_through_it() -> None:
    live = board({"a": FINE, "b": DOWN}, arrows("a>b"))
    live.set_edges("a", [edge("a", "b", Need.OPTIONAL)])

    delta = live.flush()

    assert ids(delta)[:2] == (["a"], ["a>b"])
    assert delta.nodes[0].impairment.name == "AT_RISK"


def test_an_end_should_be_there_while_an_edge_leads_to_it() -> None:
    live = board({"a": FINE, "b": FINE}, {})
    end = End(node("outside", NodeKind.EXTERNAL))
    for origin in ("a", "b"):
        live.set_edges(origin, [edge(origin, "outside")], [end])
    live.flush()
    live.set_edges("a", [])
    one_left = live.flush()
    live.remove_node("b")

    assert ids(one_left)[2:4] == ([], ["a>outside"])
    assert ids(live.flush())[2:4] == (["b", "outside"], ["b>outside"])


def test_a_node_that_is_put_should_take_the_place_of_an_end_and_stay() -> None:
    live = board({"a": FINE}, {})
    live.set_edges("a", [edge("a", "b")], [End(node("b"))])
    live.put_node(node("b"), STATES[FINE])
    live.set_edges("a", [])
    live.flush()

    assert set(live.picture().nodes) == {"a", "b"}


def test_an_end_should_stand_in_when_the_node_that_was_put_goes() -> None:
    live = board({"a": FINE, "b": FINE}, {})
    live.set_edges("a", [edge("a", "b")], [End(node("b"), STATES[DOWN])])
    live.flush()
    live.remove_node("b")

    assert ids(live.flush()) == (["a", "b"], ["a>b"], [], [], ["b"])


def test_a_picture_should_stay_as_it_was() -> None:
    live = chain_of(2)
    before = live.picture()
    live.set_state("n1", STATES[DOWN])
    live.flush()

    assert (before.root_causes, live.picture().root_causes) == ((), ("n1",))


@pytest.mark.parametrize("wrong", [edge("b", "c"), Edge("a", "c", Need.IGNORED, DECLARED)])
def test_an_edge_that_is_not_the_nodes_own_or_is_ignored_should_be_refused(wrong: Edge) -> None:
    with pytest.raises(ValueError, match="not so all of a"):
        Board().set_edges("a", [wrong])


def test_an_edge_to_itself_should_be_none() -> None:
    live = board({"a": DOWN}, {})
    live.set_edges("a", [edge("a", "a")])
    live.flush()

    assert (live.picture().nodes["a"].causes, dict(live.picture().edges)) == ((), {})
