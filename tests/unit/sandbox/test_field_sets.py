"""Sets of fields behave as sets of paths do."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox import field_sets
from nexus_gql.sandbox.field_sets import Tree
from nexus_gql.sandbox.schema import struct

Path = tuple[str, ...]
PATHS = st.frozensets(st.lists(st.sampled_from(["f:a", "f:b", "f:c"]), min_size=1, max_size=3).map(tuple), max_size=8)


def tree(paths: Iterable[Path]) -> Tree:
    """The tree whose members are these paths."""
    found: Tree = {}
    for path in paths:
        found = without_root(field_sets.union(found, one(path)))
    return found


def one(path: Path) -> Tree:
    return {path[0]: one(path[1:]) if len(path) > 1 else {}}


def without_root(found: Tree | None) -> Tree:
    return {key: below for key, below in (found or {}).items() if key != "."}


def members(found: Tree, prefix: Path = ()) -> frozenset[Path]:
    """The paths that a tree holds."""
    own = {prefix} if prefix and field_sets.has_itself(found) else set()
    below = (members(item, (*prefix, key)) for key, item in found.items() if key != ".")
    return frozenset(own).union(*below)


@given(PATHS)
def test_a_tree_should_hold_the_paths_that_it_was_made_of(paths: frozenset[Path]) -> None:
    assert members(tree(paths)) == paths


@given(PATHS, PATHS)
def test_trees_should_be_joined_and_parted_as_sets_are(one_: frozenset[Path], other: frozenset[Path]) -> None:
    left, right = tree(one_), tree(other)

    assert members(without_root(field_sets.union(left, right))) == one_ | other
    assert members(without_root(field_sets.difference(left, right))) == one_ - other
    assert members(without_root(field_sets.intersection(left, right))) == one_ & other


@given(PATHS, PATHS)
def test_what_is_joined_should_stay_as_it_was(one_: frozenset[Path], other: frozenset[Path]) -> None:
    left, right = tree(one_), tree(other)
    before = repr((left, right))
    for operation in (field_sets.union, field_sets.difference, field_sets.intersection):
        operation(left, right)

    assert repr((left, right)) == before


def container(**fields: object) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", **fields}]}}}}


CONTAINER = '.spec.template.spec.containers[name="c"]'


def difference(old: object, new: object) -> tuple[list[str], list[str]]:
    """What was set and what was removed, as messages show it."""
    changed, removed = field_sets.compared(struct("Deployment"), old, new)
    return (
        [path.removeprefix(CONTAINER) for path in field_sets.paths(changed or {})],
        [path.removeprefix(CONTAINER) for path in field_sets.paths(removed or {})],
    )


def test_items_should_be_known_by_their_keys_wherever_they_stand() -> None:
    a, b = {"name": "A", "value": "1"}, {"name": "B", "value": "2"}

    assert difference(container(env=[a, b]), container(env=[b, a])) == ([], [])
    assert difference(container(env=[a]), container(env=[{**a, "value": "3"}])) == (['.env[name="A"].value'], [])
    assert difference(container(env=[a, b]), container(env=[b])) == (
        [],
        ['.env[name="A"]', '.env[name="A"].name', '.env[name="A"].value'],
    )


def test_a_port_without_a_protocol_should_be_the_one_with_the_usual_protocol() -> None:
    bare, told = {"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}

    assert difference(container(ports=[bare]), container(ports=[told])) == (
        ['.ports[containerPort=80,protocol="TCP"].protocol'],
        [],
    )


def test_what_is_owned_as_a_whole_should_change_as_a_whole() -> None:
    assert difference(container(args=["a", "b"]), container(args=["a"])) == ([".args"], [])


def test_structs_that_are_always_there_should_not_be_added() -> None:
    changed, removed = difference({"spec": {}}, {"spec": {"strategy": {"type": "Recreate"}}})

    assert (changed, removed) == ([".spec.strategy.type"], [])


def test_of_items_that_share_a_key_only_their_being_there_should_be_owned() -> None:
    changed, _ = difference(container(), container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]))

    assert changed == [".env", '.env[name="A"]']


def test_sets_should_know_their_items_by_value() -> None:
    old, new = {"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["b", "c"]}}

    assert difference(old, new) == (['.metadata.finalizers[="c"]'], ['.metadata.finalizers[="a"]'])
