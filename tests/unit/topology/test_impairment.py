"""Impairment and root causes against the slow reference, at once and after any changes."""

from collections.abc import Collection
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_gql.hierarchy import Need
from nexus_gql.live import ApplicationState
from nexus_gql.live.health import NEVER
from nexus_gql.topology import UNDECLARED, Board, Impairment, NodeKind, Picture, Standing, standing

from .making import DOWN, FINE, OPTIONAL, REQUIRED, STATES, WEAK, added_up, arrows, board, edge, node, picture
from .reference import Edges, reference

NAMES = [f"n{number}" for number in range(9)]

standings = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([FINE, FINE, WEAK, DOWN]), min_size=1)
needs = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.sampled_from([REQUIRED, REQUIRED, OPTIONAL]),
    max_size=24,
)


def within(stands: dict[str, Standing], edges: Edges) -> Edges:
    return {(a, b): need for (a, b), need in edges.items() if a != b and a in stands and b in stands}


def assert_equal_to_reference(
    shown: Picture, stands: dict[str, Standing], edges: Edges, never: Collection[str] = ()
) -> None:
    impairment, roots, causes = reference(stands, edges, never)
    assert {name: one.impairment for name, one in shown.nodes.items()} == impairment
    assert set(shown.root_causes) == roots
    assert {name: set(one.causes) for name, one in shown.nodes.items()} == causes


@settings(max_examples=2000, deadline=None)
@given(standings, needs, st.sets(st.sampled_from(NAMES)))
def test_impairment_and_root_causes_should_equal_the_reference(
    stands: dict[str, Standing], edges: Edges, absent: set[str]
) -> None:
    edges = within(stands, edges)
    never = {name for name in absent if stands.get(name) is DOWN}

    assert_equal_to_reference(board(stands, edges, never=never).picture(), stands, edges, never)


@settings(max_examples=300, deadline=None)
@given(standings, needs)
def test_whoever_is_impaired_should_have_a_cause_and_nobody_else(stands: dict[str, Standing], edges: Edges) -> None:
    shown = board(stands, within(stands, edges)).picture()

    assert all(bool(one.causes) == (one.impairment is not Impairment.NONE) for one in shown.nodes.values())


class Change(NamedTuple):
    """What happens to a node: `state` None takes it away; `edges` None leaves its edges as they are."""

    name: str
    state: ApplicationState | None
    edges: dict[str, Need] | None
    flush: bool


changes = st.lists(
    st.builds(
        Change,
        st.sampled_from(NAMES),
        st.sampled_from([STATES[FINE], STATES[FINE], STATES[WEAK], STATES[DOWN], NEVER, NEVER, None]),
        st.none()
        | st.dictionaries(st.sampled_from(NAMES), st.sampled_from([REQUIRED, REQUIRED, OPTIONAL]), max_size=4),
        st.booleans(),
    ),
    max_size=25,
)


def make(change: Change, live: Board, stands: dict[str, Standing], edges: Edges, never: set[str]) -> None:
    """One change, to the board and to what the reference is given."""
    name = change.name
    (never.add if change.state is NEVER else never.discard)(name)
    if change.state is None:
        live.remove_node(name)
        stands.pop(name, None)
        edges = _replace(edges, name, {})
        return
    live.put_node(node(name), change.state)
    stands[name] = standing(change.state, judged=True)
    if change.edges is not None:
        wanted = {target: need for target, need in change.edges.items() if target != name}
        live.set_edges(name, [edge(name, target, need) for target, need in wanted.items()])
        _replace(edges, name, wanted)


def _replace(edges: Edges, origin: str, wanted: dict[str, Need]) -> Edges:
    for pair in [pair for pair in edges if pair[0] == origin]:
        del edges[pair]
    edges.update(((origin, target), need) for target, need in wanted.items())
    return edges


@settings(max_examples=2000, deadline=None)
@given(standings, needs, changes)
def test_deltas_should_add_up_to_a_fresh_computation_after_any_changes(
    stands: dict[str, Standing], edges: Edges, steps: list[Change]
) -> None:
    edges = within(stands, edges)
    live = board(stands, edges)
    start, deltas, never = live.picture(), [], set[str]()
    for step in steps:
        make(step, live, stands, edges, never)
        if step.flush:
            deltas.append(live.flush())
            assert_equal_to_reference(live.picture(), stands, within(stands, edges), never)
    deltas.append(live.flush())

    fresh = board(stands, within(stands, edges), never=never).picture()

    assert added_up(start, deltas) == fresh == live.picture()


@settings(max_examples=300, deadline=None)
@given(standings, needs, changes)
def test_a_delta_should_hold_only_what_became_different(
    stands: dict[str, Standing], edges: Edges, steps: list[Change]
) -> None:
    live, never = board(stands, within(stands, edges)), set[str]()
    for step in steps:
        before = live.picture()
        make(step, live, stands, edges, never)
        delta = live.flush()

        assert all(before.nodes.get(one.node.id) != one for one in delta.nodes)
        assert all(before.edges.get(one.edge.id) != one for one in delta.edges)
        assert delta.roots_changed == (before.root_causes != delta.root_causes)


@pytest.mark.parametrize(
    ("graph", "down", "weak", "impaired", "at_risk", "roots"),
    [
        ("a>b b>c", "c", "", "a b", "", "c"),
        ("a>b b>c", "", "c", "", "a b", "c"),
        ("a~b b>c", "c", "", "b", "a", "c"),
        ("a~b b~c", "c", "", "", "b", "c"),  # AT_RISK does not pass what is optional
        ("a>b b~c", "c", "", "", "a b", "c"),
        ("a>b b>c", "b c", "", "a b", "", "c"),  # down because of another: no root cause
        ("a>b b>c", "b", "c", "a", "b", "c"),
        ("a>b b>c", "c", "b", "a b", "", "c"),
        ("a>b b>a", "a", "", "a b", "", "a"),  # a cycle: each is impaired through the other
        ("a>b b>a b>c", "a c", "", "a b", "", "c"),  # what the cycle requires is down
        ("a>b b>a", "a b", "", "a b", "", "a b"),
        ("a~b b>a", "a b", "", "b", "a", "a"),  # without the optional edge they are no component
        ("a>b a>c", "b c", "", "a", "", "b c"),
        ("a~b", "", "b", "", "a", "b"),
        ("a>b", "", "", "", "", ""),
    ],
)
def test_impairment_should_follow_the_rules_of_the_page(
    graph: str, down: str, weak: str, impaired: str, at_risk: str, roots: str
) -> None:
    shown = picture(graph, down=down, weak=weak)

    found = {name: one.impairment for name, one in shown.nodes.items() if one.impairment}
    expected = dict.fromkeys(impaired.split(), Impairment.IMPAIRED) | dict.fromkeys(at_risk.split(), Impairment.AT_RISK)
    assert (found, list(shown.root_causes)) == (expected, roots.split())


def test_a_change_that_nobody_feels_should_send_one_node() -> None:
    ring = " ".join(f"n{number}>n{(number + 1) % 50}" for number in range(50))
    live = board(dict.fromkeys((f"n{number}" for number in range(50)), DOWN), arrows(ring))

    live.set_state("n7", STATES[WEAK])
    delta = live.flush()

    assert ([one.node.id for one in delta.nodes], delta.edges, delta.roots_changed) == (["n7"], (), False)


@pytest.mark.parametrize(
    ("graph", "never", "down", "roots"),
    [
        ("", "a", "", ""),
        ("a>b b>c", "a b c", "", ""),  # as they were cloned
        ("a>b b>c", "b c", "", "c"),  # through a chain, and who stands between is none
        ("a>b b>c", "a b", "c", "c"),
        ("a>b c>d", "a b d", "", "d"),  # each by itself
        ("a~b", "b", "", "b"),
        ("a>b b>c c>b", "b c", "", "b c"),
        ("a>b b>c c>b", "a b c", "", ""),
        ("a>b b>c", "a c", "b", "c"),  # `b` was deployed, and suffers
        ("workflow>b", "b", "", "b"),  # what Nexus does not deploy is there
        ("host>b", "b", "", "b"),
    ],
)
def test_what_was_never_deployed_should_be_a_root_cause_only_for_what_is_there(
    graph: str, never: str, down: str, roots: str
) -> None:
    kinds = {"workflow": NodeKind.WORKFLOW, "host": NodeKind.INGRESS}

    shown = picture(graph, never=never, down=down, alone=never, kinds=kinds)

    assert list(shown.root_causes) == roots.split()


def test_who_waits_for_each_other_should_be_told_as_soon_as_one_of_them_is_deployed() -> None:
    live = board({"a": DOWN, "b": DOWN, "c": DOWN}, arrows("a>b b>c"), never=["a", "b", "c"])
    seen = []
    for name, state in [("a", STATES[DOWN]), ("c", UNDECLARED), ("c", STATES[DOWN]), ("c", NEVER), ("a", NEVER)]:
        live.set_state(name, state)
        delta = live.flush()
        seen.append((delta.roots_changed, list(delta.root_causes)))

    assert seen == [(True, ["c"]), (False, ["c"]), (False, ["c"]), (False, ["c"]), (True, [])]
