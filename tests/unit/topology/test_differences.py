"""What of a scope is shown otherwise: told from the changes alone, it is what comparing all of it says."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.topology import (
    Blame,
    Board,
    Delta,
    LastMade,
    Node,
    NodeKind,
    Picture,
    all_lying,
    difference,
    scoped_difference,
    shown,
)

from .making import DOWN, FINE, OPTIONAL, REQUIRED, STATES, WEAK, added_up, arrows, board, edge, node

KINDS = [NodeKind.APPLICATION, NodeKind.APPLICATION, NodeKind.WORKLOAD, NodeKind.INGRESS, NodeKind.EXTERNAL]
NAMES = [f"n{number}" for number in range(9)]


def lies(one: Node) -> bool:
    """Applications and workloads of one group are the scope; hosts lie where they lead."""
    return one.group == "own" and one.kind in {NodeKind.APPLICATION, NodeKind.WORKLOAD}


def scoped(whole: Picture) -> Picture:
    return shown(whole, all_lying(whole, lies))


def change(live: Board, chance: random.Random) -> None:
    """One of the things that happen to a graph. A node may come back as something else, or move to another group."""
    name, what = chance.choice(NAMES), chance.random()
    if what < 0.35:
        kind = KINDS[NAMES.index(name) % len(KINDS)]
        judged = kind in {NodeKind.APPLICATION, NodeKind.WORKLOAD}
        state = STATES[chance.choice([FINE, WEAK, DOWN])] if judged else None
        live.put_node(node(name, kind, chance.choice(["own", "other"])), state)
    elif what < 0.5:
        live.remove_node(name)
    elif what < 0.7:
        live.set_state(
            name, STATES[chance.choice([FINE, WEAK, DOWN])] if KINDS[NAMES.index(name) % 5] in KINDS[:3] else None
        )
    else:
        targets = chance.sample([one for one in NAMES if one != name], chance.randrange(4))
        live.set_edges(name, [edge(name, one, chance.choice([REQUIRED, OPTIONAL])) for one in targets])


@given(st.integers(), st.integers(1, 4))
def test_it_should_be_what_comparing_two_views_says_after_any_changes(seed: int, flushes: int) -> None:
    chance, live = random.Random(seed), Board()
    for _ in range(25):
        change(live, chance)
    live.flush()
    blame = LastMade[Blame]()
    for _ in range(6):
        before, deltas = live.picture(), []
        for _ in range(flushes):
            for _ in range(chance.randrange(1, 4)):
                change(live, chance)
            deltas.append(live.flush())
        after = live.picture()

        told = scoped_difference(before, after, deltas, lies, blame)

        assert told == difference(scoped(before), scoped(after))
        assert scoped_difference(before, after, deltas, lies, LastMade[Blame]()) == told
        assert added_up(scoped(before), [told]) == scoped(after)


@given(st.integers())
def test_neighbours_should_be_the_ends_of_edges(seed: int) -> None:
    chance, live = random.Random(seed), Board()
    for _ in range(40):
        change(live, chance)
        if chance.random() < 0.3:
            live.flush()
    live.flush()
    found: dict[str, set[str]] = {}
    for one in live.picture().edges.values():
        found.setdefault(one.edge.origin, set()).add(one.edge.target)
        found.setdefault(one.edge.target, set()).add(one.edge.origin)
    assert dict(live.picture().neighbours) == found


# ── how much is looked at ──


def wide(count: int) -> Board:
    """Pairs `aN needs bN`, every second pair in the scope, and a hub that all of them need and that needs nobody."""
    live = Board()
    live.put_node(node("hub", group="other"), STATES[FINE])
    for number in range(count):
        group = "own" if number % 2 else "other"
        for name in (f"a{number}", f"b{number}"):
            live.put_node(node(name, group=group), STATES[FINE])
        live.set_edges(f"a{number}", [edge(f"a{number}", f"b{number}"), edge(f"a{number}", "hub")])
    live.flush()
    return live


def looks(live: Board, delta: Delta, before: Picture, blame: LastMade[Blame]) -> tuple[Delta, int]:
    """What is told, and how many nodes were looked at for it."""
    asked = 0

    def counted(one: Node) -> bool:
        nonlocal asked
        asked += 1
        return lies(one)

    return scoped_difference(before, live.picture(), [delta], counted, blame), asked


@pytest.mark.parametrize("what", ["state", "edge", "node", "other"])
def test_the_work_should_follow_the_delta_and_not_the_graph(what: str) -> None:
    counts = {}
    for size in (10, 1000):
        live, blame = wide(size), LastMade[Blame]()
        first = live.picture()
        live.set_state("b3", STATES[DOWN])
        looks(live, live.flush(), first, blame)  # what is to blame is counted once
        before = live.picture()
        match what:
            case "state":
                live.set_state("b1", STATES[DOWN])
            case "edge":
                live.set_edges("b1", [edge("b1", "b2")])
            case "node":
                live.put_node(node("new", group="own"), STATES[DOWN])
                live.set_edges("a2", [edge("a2", "new")])
            case _:
                live.set_state("b2", STATES[WEAK])
        told, counts[size] = looks(live, live.flush(), before, blame)
        assert told == difference(scoped(before), scoped(live.picture()))
        assert bool(told) is (what != "other")
    # Sets are gone through in any order, until one neighbour in the scope is found.
    assert max(counts.values()) < 60


def test_a_neighbour_should_come_and_go_with_its_edge() -> None:
    live = board({"a": FINE, "b": FINE, "c": FINE}, arrows("b>c"))
    live.put_node(node("a", group="own"), STATES[FINE])
    live.flush()
    before = live.picture()
    live.set_edges("a", [edge("a", "b")])
    came = live.flush()
    after_first = live.picture()
    told = scoped_difference(before, after_first, [came], lies, LastMade())
    assert [(one.node.id, one.outside) for one in told.nodes] == [("b", True)]
    assert [one.edge.id for one in told.edges] == ["a>b"]
    live.set_edges("a", [])
    gone = live.flush()
    told = scoped_difference(after_first, live.picture(), [gone], lies, LastMade())
    assert (told.nodes, told.edges, told.removed_nodes, told.removed_edges) == ((), (), ("b",), ("a>b",))


def test_who_comes_into_the_scope_should_bring_its_neighbours_and_their_edges() -> None:
    live = board({"a": FINE, "b": FINE, "c": FINE}, arrows("a>b c>a"))
    before = live.picture()
    live.put_node(node("a", group="own"), STATES[FINE])
    delta = live.flush()
    told = scoped_difference(before, live.picture(), [delta], lies, LastMade())
    assert [one.node.id for one in delta.nodes] == ["a"]
    assert [(one.node.id, one.outside) for one in told.nodes] == [("a", False), ("b", True), ("c", True)]
    assert [one.edge.id for one in told.edges] == ["a>b", "c>a"]


def test_a_cause_should_come_and_go_with_those_in_the_scope_that_it_impairs() -> None:
    live = board({"a": FINE, "b": FINE, "c": FINE, "d": FINE, "x": FINE}, arrows("a>b b>c c>d x>d"))
    live.put_node(node("a", group="own"), STATES[FINE])
    live.flush()
    blame, before = LastMade[Blame](), live.picture()
    live.set_state("d", STATES[DOWN])
    worse = live.flush()
    came = scoped_difference(before, live.picture(), [worse], lies, blame)
    before = live.picture()
    live.set_edges("b", [])
    better = live.flush()
    went = scoped_difference(before, live.picture(), [better], lies, blame)
    assert [(one.node.id, one.outside, one.causes) for one in came.nodes] == [
        ("a", False, ("d",)),
        ("b", True, ("d",)),
        ("d", True, ()),
    ]
    assert (came.root_causes, went.root_causes, went.removed_nodes) == (("d",), (), ("d",))
