"""What of a picture is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from nexus_gql.live import Health
from nexus_gql.paths import Path
from nexus_gql.topology import Direction, Filter, Impairment, NodeKind, Picture, Standing, seen, shown

from .making import board, picture
from .reference import Edges
from .test_impairment import NAMES, needs, standings, within

KINDS = {"w": NodeKind.WORKLOAD, "x": NodeKind.EXTERNAL, "i": NodeKind.INGRESS}


def everything(whole: Picture, wanted: Filter) -> Picture:
    return shown(whole, whole.nodes.keys(), wanted=wanted)


def test_a_scope_should_show_neighbours_one_step_outside_and_no_edge_between_two_of_them() -> None:
    whole = picture("a>b b>c c>d z>a z>c")

    scoped = shown(whole, {"a", "b"})

    assert {name: one.outside for name, one in scoped.nodes.items()} == {"a": False, "b": False, "c": True, "z": True}
    assert sorted(scoped.edges) == ["a>b", "b>c", "z>a"]


def test_what_impairs_a_scope_should_be_shown_with_it_wherever_it_lies() -> None:
    whole = picture("a>b b>c c>d x>y z>a z>w", down="d y w")

    scoped = shown(whole, {"a"})

    assert (scoped.nodes["a"].causes, scoped.root_causes) == (("d",), ("d", "w"))  # `z` is beside the scope
    assert {name: one.outside for name, one in scoped.nodes.items()} == {
        "a": False,
        "b": True,
        "d": True,
        "w": True,
        "z": True,
    }
    assert sorted(scoped.edges) == ["a>b", "z>a"]


def test_root_causes_should_be_by_path_or_name() -> None:
    whole = picture("a>b a>c a>d", down="b c d")
    looks = {"b": ("z", None), "c": ("", Path("or/local/web/a")), "d": ("a", None)}
    nodes = dict(whole.nodes)
    for key, (label, path) in looks.items():
        nodes[key] = structs.replace(nodes[key], node=structs.replace(nodes[key].node, label=label, path=path))

    assert shown(Picture(nodes, whole.edges, whole.root_causes), {"a"}).root_causes == ("d", "c", "b")


@pytest.mark.parametrize(
    ("wanted", "nodes", "roots"),
    [
        (Filter(focus="a", depth=0), "a", "d"),
        (Filter(kinds=frozenset({NodeKind.WORKLOAD})), "w", "d"),
        (Filter(kinds=frozenset({NodeKind.EXTERNAL})), "x", ""),
        (Filter(unhealthy_only=True), "a b d w", "d"),
        (Filter(focus="x"), "x", ""),
    ],
)
def test_a_filter_should_leave_out_nodes_and_still_say_what_impairs_the_others(
    wanted: Filter, nodes: str, roots: str
) -> None:
    whole = picture("a>b b>d w>b", down="d", alone="x", kinds=KINDS)

    left = everything(whole, wanted)

    assert (sorted(left.nodes), list(left.root_causes)) == (nodes.split(), roots.split())


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), "a b c d i w x"),
        (Filter(focus="b"), "a b c d i w x"),
        (Filter(focus="b", depth=1), "a b c w"),
        (Filter(focus="b", depth=0), "b"),
        (Filter(focus="b", direction=Direction.DEPENDENCIES), "b c d w x"),
        (Filter(focus="b", direction=Direction.DEPENDENTS), "a b i"),
        (Filter(focus="b", depth=1, direction=Direction.DEPENDENTS), "a b"),
        (Filter(focus="unknown"), ""),
        (Filter(kinds=frozenset({NodeKind.WORKLOAD, NodeKind.EXTERNAL})), "w x"),
        (Filter(unmanaged=False), "a b c d i x"),
        (Filter(health=frozenset({Health.DEGRADED})), "d"),
        (Filter(unhealthy_only=True), "a b c d i"),
        (Filter(unhealthy_only=True, focus="w"), "a b i w"),
        (Filter(unhealthy_only=True, focus="w", direction=Direction.DEPENDENCIES), "w"),
    ],
)
def test_a_filter_should_leave_what_the_page_says(wanted: Filter, expected: str) -> None:
    whole = picture("i>a a>b b>c c>d b>w w>x", down="d", kinds=KINDS)

    assert sorted(everything(whole, wanted).nodes) == expected.split()


def test_edges_should_be_left_between_what_is_left() -> None:
    whole = picture("a>b b>c")

    assert sorted(everything(whole, Filter(focus="a", depth=1)).edges) == ["a>b"]


def test_what_may_not_be_seen_should_be_one_node_for_each_need_without_a_name_or_evidence() -> None:
    whole = picture("a>s1 a>s2 a~s3 s4>a s1>s2 b>a", down="s2")

    limited = seen(whole, lambda one: one.node.id in {"a", "b"})

    assert sorted(limited.nodes) == ["a", "b", "hidden:OPTIONAL", "hidden:REQUIRED"]
    veil = limited.nodes["hidden:REQUIRED"]
    assert (veil.node.kind, veil.node.label, veil.state, veil.causes) == (NodeKind.HIDDEN, "", None, ())
    assert {key: one.healthy for key, one in limited.edges.items()} == {
        "a>hidden:REQUIRED": False,
        "a>hidden:OPTIONAL": True,
        "hidden:REQUIRED>a": False,
        "b>a": False,
    }
    assert all(one.edge.sources == () for key, one in limited.edges.items() if "hidden" in key)


def test_causes_that_may_not_be_seen_should_be_the_node_that_hides_them() -> None:
    whole = picture("a>s a>t b>a c~s c>fine s>fine d>t", down="s t")

    limited = seen(whole, lambda one: one.node.id not in {"s", "fine"})

    assert {name: one.causes for name, one in limited.nodes.items() if one.causes} == {
        "a": ("hidden:REQUIRED", "t"),
        "b": ("hidden:REQUIRED", "t"),
        "c": ("hidden:OPTIONAL",),
        "d": ("t",),
    }
    assert shown(limited, {"d"}).root_causes == ("t",)
    # Through what is hidden and needed, nothing comes to `c`.
    assert shown(limited, {"c"}).root_causes == ("hidden:OPTIONAL",)
    assert shown(limited, {"b"}).root_causes == ("hidden:REQUIRED", "t")


def test_a_cause_behind_what_is_hidden_should_bring_what_hides_its_own_causes() -> None:
    whole = picture("a>h h>c c~s", down="c s")

    scoped = shown(whole, {"a"}, lambda one: one.node.id in {"a", "c"})

    assert {name: one.causes for name, one in scoped.nodes.items()} == {
        "a": ("c", "hidden:OPTIONAL", "hidden:REQUIRED"),
        "c": ("hidden:OPTIONAL",),
        "hidden:OPTIONAL": (),
        "hidden:REQUIRED": (),
    }
    assert scoped.root_causes == ("hidden:OPTIONAL", "hidden:REQUIRED", "c")


@settings(max_examples=500, deadline=None)
@given(standings, needs, st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)))
def test_every_cause_of_what_is_shown_should_be_shown_and_everybody_impaired_have_one(
    stands: dict[str, Standing], edges: Edges, inside: set[str], hidden: set[str]
) -> None:
    whole = board(stands, within(stands, edges)).picture()

    scoped = shown(whole, inside, lambda one: one.node.id not in hidden)

    causes = {cause for one in scoped.nodes.values() for cause in one.causes}
    visible = {root for root in whole.root_causes if root in scoped.nodes}
    assert causes <= scoped.nodes.keys()
    assert set(scoped.root_causes) == causes | visible
    for one in scoped.nodes.values():
        if one.node.kind is not NodeKind.HIDDEN:
            assert bool(one.causes) == (one.impairment is not Impairment.NONE)


def test_nothing_of_what_may_not_be_seen_should_be_in_what_is_shown() -> None:
    whole = picture("a>secret secret>a secret>other other>b", down="secret other")

    limited = shown(whole, {"a", "b"}, lambda one: one.node.id in {"a", "b"})

    assert "secret" not in repr(limited)
    assert "other" not in repr(limited)


def test_a_hidden_node_without_an_edge_should_not_be_shown() -> None:
    whole = picture("a>s b>a")

    limited = shown(
        whole, whole.nodes.keys() | {"hidden:REQUIRED"}, lambda one: one.node.id != "s", Filter(focus="b", depth=1)
    )

    assert sorted(limited.nodes) == ["a", "b"]
