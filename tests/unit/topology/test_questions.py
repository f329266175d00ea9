"""What is asked of a picture."""

import itertools
from collections.abc import Iterator, Sequence

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from nexus_gql.hierarchy import Concern
from nexus_gql.paths import Path
from nexus_gql.topology import (
    Edge,
    Impacted,
    Impairment,
    NodeKind,
    Picture,
    Standing,
    by_concern,
    by_namespace,
    chain,
    cycles,
    deploy_order,
    explained,
    impact_of,
    seen,
    stands,
    weight,
)

from .making import DOWN, FINE, OPTIONAL, REQUIRED, WEAK, board, picture
from .reference import Edges, reference
from .test_impairment import needs, standings, within


def with_paths(shown: Picture) -> Picture:
    """The same, each application's path being its name."""
    nodes = {
        key: structs.replace(one, node=structs.replace(one.node, path=Path(key)))
        if one.node.kind is NodeKind.APPLICATION
        else one
        for key, one in shown.nodes.items()
    }
    return Picture(nodes, shown.edges, shown.root_causes)


# ── impact ──


def test_impact_should_be_told_nearest_first_with_the_way() -> None:
    impact = impact_of(picture("a>b b>c d~b e>d f~e"), ["c"])

    assert impact.impaired == (Impacted("b", 1, ()), Impacted("a", 2, ("b",)))
    assert impact.at_risk == (Impacted("d", 2, ("b",)), Impacted("e", 3, ("b", "d")))


def test_impact_should_be_the_same_whatever_is_broken_now() -> None:
    text = "a>b b>c d~b x>y"

    assert impact_of(picture(text, down="c y", weak="b"), ["c"]) == impact_of(picture(text), ["c"])


def test_impact_should_be_of_several_and_not_name_them() -> None:
    impact = impact_of(picture("a>b b>a c~a"), ["a", "b", "unknown"])

    assert ([one.node for one in impact.impaired], [one.node for one in impact.at_risk]) == ([], ["c"])


@settings(max_examples=500, deadline=None)
@given(standings, needs)
def test_impact_should_equal_the_reference_with_these_down_and_all_else_well(
    stands: dict[str, Standing], edges: Edges
) -> None:
    edges = within(stands, edges)
    asked = {name for name, one in stands.items() if one is not FINE}
    supposed = {name: DOWN if name in asked else FINE for name in stands}
    expected, _, _ = reference(supposed, edges)

    impact = impact_of(board(stands, edges).picture(), asked)

    for level, found in ((Impairment.IMPAIRED, impact.impaired), (Impairment.AT_RISK, impact.at_risk)):
        assert {one.node for one in found} == {name for name in stands.keys() - asked if expected[name] is level}
        assert [one.distance for one in found] == sorted(len(one.via) + 1 for one in found)


# ── chains ──


@pytest.mark.parametrize(
    ("origin", "target", "expected"),
    [
        ("a", "d", ["a>d2", "d2>d"]),
        ("a", "b", ["a>b"]),
        ("d", "a", []),
        ("a", "a", []),
        ("a", "unknown", []),
        ("unknown", "a", []),
    ],
)
def test_a_chain_should_be_the_shortest(origin: str, target: str, expected: list[str]) -> None:
    shown = picture("a>b b>c c>d a>d2 d2~d")

    assert [edge.id for edge in chain(shown, origin, target)] == expected


@settings(max_examples=300, deadline=None)
@given(standings, needs)
def test_chains_should_be_as_short_as_any_and_hang_together(stands: dict[str, Standing], edges: Edges) -> None:
    edges = within(stands, edges)
    shown = board(stands, edges).picture()
    graph: nx.DiGraph[str] = nx.DiGraph(edges.keys())
    graph.add_nodes_from(stands)
    origin, target = min(stands), max(stands)
    assume(target not in shown.nodes[origin].causes)

    found = chain(shown, origin, target)

    expected = nx.shortest_path_length(graph, origin, target) if nx.has_path(graph, origin, target) else 0
    assert len(found) == expected
    assert all(before.target == after.origin for before, after in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("text", "broken", "origin", "target", "expected"),
    [
        # What is optional brings AT_RISK at most: `portal` is IMPAIRED the longer way.
        (
            "portal>routing routing~weather portal>pricing pricing>demand demand>weather",
            {"down": "weather"},
            "portal",
            "weather",
            ["portal>pricing", "pricing>demand", "demand>weather"],
        ),
        (
            "portal>routing routing~weather",
            {"down": "weather"},
            "portal",
            "weather",
            ["portal>routing", "routing~weather"],
        ),
        # An optional edge brings nothing from what is merely AT_RISK.
        ("a~b b>w a>c c>d d>w", {"weak": "w"}, "a", "w", ["a>c", "c>d", "d>w"]),
        ("a>b b>c c>d a~d", {"weak": "d"}, "a", "d", ["a~d"]),
        # `d` is down, and what is to blame for that is only weak: the way leads by `d`, and not by `x`.
        ("a>x x>w a>d d>w", {"down": "d", "weak": "w"}, "a", "w", ["a>d", "d>w"]),
        # `s` brings less than `a` suffers.
        ("a>t a>b b~s", {"down": "t s"}, "a", "s", ["a>b", "b~s"]),
        # What the cause suffers in its own circle is not what it brings.
        ("a>b b>a", {"down": "a"}, "a", "a", ["a>b", "b>a"]),
        # The way to what is no cause is the shortest.
        ("a>b b>c c>d a~c", {"down": "d"}, "a", "c", ["a~c"]),
    ],
)
def test_a_chain_to_a_cause_should_bring_what_is_suffered(
    text: str, broken: dict[str, str], origin: str, target: str, expected: list[str]
) -> None:
    shown = picture(text, down=broken.get("down", ""), weak=broken.get("weak", ""))

    found = chain(shown, origin, target)

    assert [f"{one.origin}{'>' if one.need is REQUIRED else '~'}{one.target}" for one in found] == expected


def test_a_chain_to_what_is_hidden_should_bring_what_is_suffered() -> None:
    shown = seen(picture("a~b b>s a>c c>d d>s", down="s"), lambda one: one.node.id != "s")

    assert [edge.id for edge in chain(shown, "a", "hidden:REQUIRED")] == ["a>c", "c>d", "d>hidden:REQUIRED"]


def brings(shown: Picture, way: Sequence[Edge]) -> Impairment:
    """The most that comes to the first from anything on a way, back along it: the design's table, edge by edge."""
    most = Impairment.NONE
    for end in range(len(way)):
        level = weight(way[end].need, stands(shown.nodes[way[end].target]), Impairment.NONE)
        for one in reversed(way[:end]):
            level = weight(one.need, FINE, level)
        most = max(most, level)
    return most


def is_straight(way: Sequence[Edge]) -> bool:
    passed = [one.origin for one in way]
    return len(set(passed)) == len(passed) and way[-1].target not in passed[1:]


def all_ways(shown: Picture, origin: str, most: int) -> Iterator[tuple[Edge, ...]]:
    """All ways from a node along edges that weigh, the shortest first."""
    ways: list[tuple[Edge, ...]] = [()]
    for _ in range(most):
        ways = [
            (*way, one.edge)
            for way in ways
            for one in shown.needs[way[-1].target if way else origin]
            if not one.healthy
        ]
        yield from ways


FEW = st.dictionaries(st.sampled_from("abcde"), st.sampled_from([FINE, FINE, WEAK, DOWN]), min_size=2)
FEW_NEEDS = st.dictionaries(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")),
    st.sampled_from([REQUIRED, REQUIRED, OPTIONAL]),
    max_size=9,
)


@settings(max_examples=500, deadline=None)
@given(FEW, FEW_NEEDS)
def test_what_explains_an_impairment_should_be_the_shortest_way_that_brings_most_of_it(
    stands: dict[str, Standing], edges: Edges
) -> None:
    shown = board(stands, within(stands, edges)).picture()

    for name, one in shown.nodes.items():
        most = Impairment.NONE
        for cause in one.causes:
            found = explained(shown, name, cause)
            ways = [way for way in all_ways(shown, name, 2 * len(stands)) if way[-1].target == cause]
            level = max(brings(shown, way) for way in ways)
            most = max(most, level)
            shortest = [way for way in ways if brings(shown, way) is level]
            shortest = [way for way in shortest if len(way) == len(shortest[0])]
            assert is_straight(found)
            # What passes a node twice explains nothing to anybody; there is a way that brings less.
            assert found in shortest or not all(is_straight(way) for way in shortest)
        assert most is one.impairment


@settings(max_examples=500, deadline=None)
@given(FEW, FEW_NEEDS)
def test_where_nothing_goes_round_an_impairment_should_be_explained_in_full(
    stands: dict[str, Standing], edges: Edges
) -> None:
    shown = board(stands, within(stands, {(a, b): need for (a, b), need in edges.items() if a < b})).picture()

    for name, one in shown.nodes.items():
        explanations = [brings(shown, explained(shown, name, cause)) for cause in one.causes]
        assert max(explanations, default=Impairment.NONE) is one.impairment


@settings(max_examples=500, deadline=None)
@given(standings, needs)
def test_whoever_is_impaired_should_be_explained_by_a_way_to_each_cause(
    stands: dict[str, Standing], edges: Edges
) -> None:
    shown = board(stands, within(stands, edges)).picture()

    for name, one in shown.nodes.items():
        for cause in one.causes:
            way = chain(shown, name, cause)
            assert (way[0].origin, way[-1].target) == (name, cause)
            assert all(not shown.edges[edge.id].healthy for edge in way)
            assert all(before.target == after.origin for before, after in itertools.pairwise(way))


# ── cycles and order ──


def test_cycles_should_be_what_needs_each_other() -> None:
    assert cycles(picture("a>b b~a c>d d>e e>c c>a")) == [["a", "b"], ["c", "d", "e"]]


def test_a_deploy_order_should_be_in_generations_with_cycles_in_one() -> None:
    shown = with_paths(picture("a>b b>c b>d d>b e~c", alone="f"))

    assert deploy_order(shown) == [["c", "f"], ["b", "d", "e"], ["a"]]


def test_a_deploy_order_should_go_on_through_what_is_not_deployed() -> None:
    shown = with_paths(picture("a>host host>b c>x", kinds={"host": NodeKind.INGRESS, "x": NodeKind.EXTERNAL}))

    assert deploy_order(shown) == [["b", "c"], ["a"]]


@settings(max_examples=300, deadline=None)
@given(standings, needs)
def test_a_deploy_order_should_put_nothing_before_what_it_needs(stands: dict[str, Standing], edges: Edges) -> None:
    edges = within(stands, edges)
    shown = with_paths(board(stands, edges).picture())
    order = deploy_order(shown)
    place = {name: number for number, generation in enumerate(order) for name in generation}
    together = [set(cycle) for cycle in cycles(shown)]

    assert sorted(place) == sorted(stands)
    assert all(order)
    for origin, target in edges:
        same = any({origin, target} <= cycle for cycle in together)
        assert place[Path(target)] == place[Path(origin)] if same else place[Path(target)] < place[Path(origin)]


def test_no_way_should_lead_through_what_is_hidden() -> None:
    shown = seen(picture("a>h1 h1>b c>h2 h2>c"), lambda one: not one.node.id.startswith("h"))

    assert (chain(shown, "a", "b"), cycles(shown)) == ((), [])
    assert [one.node for one in impact_of(shown, ["b"]).impaired] == ["hidden:REQUIRED"]


# ── groups ──


def test_groups_should_be_by_namespace_and_by_concern() -> None:
    shown = picture("a>b b>c")
    looks = {"a": ("or/local/mdk", Concern.MDK), "b": ("or/local/ddk", Concern.DDK), "c": ("external", None)}
    nodes = {
        key: structs.replace(one, node=structs.replace(one.node, group=looks[key][0], concern=looks[key][1]))
        for key, one in shown.nodes.items()
    }
    grouped = Picture(nodes, shown.edges, ())

    assert by_namespace(grouped) == {"external": ["c"], "or/local/ddk": ["b"], "or/local/mdk": ["a"]}
    assert by_concern(grouped) == {Concern.MDK: ["a"], Concern.DDK: ["b"], Concern.OTHER: ["c"]}
