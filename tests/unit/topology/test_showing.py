"""What of a picture is shown."""

import pytest

from nexus_gql.live import Health
from nexus_gql.topology import Direction, Filter, NodeKind, Picture, seen, shown

from .making import picture

KINDS = {"w": NodeKind.WORKLOAD, "x": NodeKind.EXTERNAL, "i": NodeKind.INGRESS}


def everything(whole: Picture, wanted: Filter) -> Picture:
    return shown(whole, whole.nodes.keys(), wanted=wanted)


def test_a_scope_should_show_neighbours_one_step_outside_and_no_edge_between_two_of_them() -> None:
    whole = picture("a>b b>c c>d z>a z>c", down="d")

    scoped = shown(whole, {"a", "b"})

    assert {name: one.outside for name, one in scoped.nodes.items()} == {"a": False, "b": False, "c": True, "z": True}
    assert sorted(scoped.edges) == ["a>b", "b>c", "z>a"]


def test_impairment_should_be_of_the_whole_and_root_causes_only_those_that_are_shown() -> None:
    whole = picture("a>b b>c c>d", down="d")

    assert shown(whole, {"a"}).nodes["a"].causes == ("d",)
    assert (shown(whole, {"a"}).root_causes, shown(whole, {"c"}).root_causes) == ((), ("d",))


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


def test_causes_and_root_causes_that_may_not_be_seen_should_be_left_out() -> None:
    whole = picture("a>s a>t", down="s t")

    limited = seen(whole, lambda one: one.node.id != "s")

    assert (limited.nodes["a"].causes, limited.nodes["a"].impairment.name) == (("t",), "IMPAIRED")
    assert limited.root_causes == ("t",)


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
