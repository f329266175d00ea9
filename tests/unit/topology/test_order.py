"""Components and circles in the order in which impairment flows, against networkx, and what is left as it is."""

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_gql.topology.order import Order

NODES = range(8)

edges = st.dictionaries(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), st.booleans(), max_size=24)
changes = st.lists(
    st.dictionaries(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), st.none() | st.booleans())
)


def ordered(found: dict[tuple[int, int], bool], count: int = len(NODES)) -> Order:
    order = Order()
    for _ in range(count):
        order.add()
    change(order, found)
    order.renew()
    return order


def change(order: Order, edges: dict[tuple[int, int], bool] | dict[tuple[int, int], bool | None]) -> None:
    """Edges to be there: True is an optional one, False a required one, None takes it away."""
    for (origin, target), optional in edges.items():
        if optional is None:
            order.disconnect(origin, target)
        else:
            order.connect(origin, target, optional=optional)


def ring(count: int) -> dict[tuple[int, int], bool]:
    return {(node, (node + 1) % count): False for node in range(count)}


def groups(order: Order, numbers: list[tuple[int, ...]]) -> set[frozenset[int]]:
    """Nodes that have the same number."""
    return {frozenset(node for node in NODES if numbers[node] == number) for number in numbers}


def assert_in_order(order: Order) -> None:
    places = [(order.component[node], order.circle[node]) for node in NODES]
    whole: nx.DiGraph[int] = nx.DiGraph((node, other) for node in NODES for other in order.out[node])
    required: nx.DiGraph[int] = nx.DiGraph(pair for pair in whole.edges if not order.out[pair[0]][pair[1]])
    for graph in (whole, required):
        graph.add_nodes_from(NODES)
    assert groups(order, [place[:1] for place in places]) == {
        frozenset(part) for part in nx.strongly_connected_components(whole)
    }
    assert groups(order, list(places)) == {frozenset(part) for part in nx.strongly_connected_components(required)}
    assert all(places[origin][0] >= places[target][0] for origin, target in whole.edges)
    assert all(places[origin] >= places[target] for origin, target in required.edges)
    assert all(node in order.around(node) for node in NODES)


@settings(max_examples=500, deadline=None)
@given(edges, changes)
def test_components_and_circles_should_be_those_of_the_reference_after_any_changes(
    start: dict[tuple[int, int], bool], steps: list[dict[tuple[int, int], bool | None]]
) -> None:
    order = ordered(start)
    assert_in_order(order)
    for step in steps:
        change(order, step)
        order.renew()
        assert_in_order(order)


def test_what_comes_or_goes_in_a_circle_that_stays_closed_should_make_no_difference() -> None:
    there = ring(5) | {(target, origin): optional for (origin, target), optional in ring(5).items()}
    order = ordered(there)

    for edge, optional in [
        ((0, 2), False),
        ((0, 2), None),
        ((0, 3), True),
        ((0, 1), None),
        ((0, 1), True),
        ((1, 2), True),
    ]:
        change(order, {edge: optional})
        assert order.renew() == (set(), [])


def test_an_edge_between_two_in_their_order_should_leave_the_numbers_as_they_are() -> None:
    order = ordered({(0, 1): False, (1, 2): False})

    change(order, {(0, 2): False})

    assert order.renew() == ({0}, [])


def test_an_edge_against_the_order_should_number_what_lies_between_alone() -> None:
    order = ordered({(node, node + 1): False for node in range(7)})

    change(order, {(5, 3): False})
    origins, moved = order.renew()

    assert (origins, sorted(moved)) == ({5}, [3, 4, 5])


def test_a_circle_that_opens_within_its_component_should_be_divided_alone() -> None:
    order = ordered({**ring(4), (6, 0): False, (3, 7): False})

    change(order, {(1, 2): True})
    origins, moved = order.renew()

    assert (origins, sorted(moved)) == ({1}, [0, 1, 2, 3])
    assert_in_order(order)


def test_many_edges_that_go_at_once_should_be_searched_no_way_for() -> None:
    count = 30
    shortcuts = {(node, (node + 2) % count): False for node in range(count)}
    order = ordered({**ring(count), **shortcuts}, count)

    change(order, dict.fromkeys(shortcuts))
    origins, moved = order.renew()

    assert (origins, sorted(moved)) == (set(range(count)), list(range(count)))
    assert len(order.around(0)) == count


def test_numbers_should_not_be_left_behind_by_nodes_that_come_and_go() -> None:
    order = ordered({}, 3)
    for _ in range(100):
        order.remove(order.add())
        order.renew()

    assert len(order.circles) <= 2 * len(order.out)


def test_a_node_that_goes_should_open_the_circle_that_it_was_in() -> None:
    order = ordered(ring(3), 3)
    order.remove(1)
    order.renew()

    assert sorted(order.circles) == [[[0]], [[2]]]
    assert order.component[2] != order.component[0]
