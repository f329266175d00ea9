"""Two defaults are equal as values, not as written."""

from enum import Enum

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLString,
    build_schema,
)

from tests.unit.schema.default_values import default_of

DOCUMENT = """
type Query {{ a(k: {type} = {default}): Int }}
enum E {{ A B }}
input F {{ x: Float  y: [Int]  z: Int = 3 }}
scalar S
"""


def default(type_: str, written: str) -> str | None:
    query = build_schema(DOCUMENT.format(type=type_, default=written)).query_type
    assert query
    return default_of(query.fields["a"].args["k"])


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        pytest.param("[String!]", '["i"]', '"i"', id="one item is a list of one"),
        pytest.param("[[Int!]!]!", "[[1]]", "1", id="and so it is at each depth"),
        pytest.param("Float", "1", "1.0", id="a Float may be written as an integer"),
        pytest.param("ID", "7", '"7"', id="and so may an ID"),
        pytest.param("String", '"x"', '"""x"""', id="text may be written as a block"),
        pytest.param("F", "{x: 1, y: [2]}", "{y: 2, x: 1.0}", id="an object has no order"),
        pytest.param("F", "{x: 1, z: 3}", "{x: 1}", id="its fields' own defaults belong to it"),
        pytest.param("S", "{a: [1, null], b: A}", "{b: A, a: [1, null]}", id="nor has one inside a custom scalar"),
    ],
)
def test_one_value_should_be_equal_however_it_is_written(type_: str, one: str, other: str) -> None:
    assert default(type_, one) == default(type_, other)


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        pytest.param("[Int]", "[1, 2]", "[2, 1]", id="a list has an order"),
        pytest.param("[Int]", "null", "[null]", id="null is no list of one"),
        pytest.param("Int", "1", "2", id="numbers"),
        pytest.param("String", '"1"', '"2"', id="texts"),
        pytest.param("Boolean", "true", "false", id="truth values"),
        pytest.param("E", "A", "B", id="an enum's names"),
        pytest.param("F", "{x: 1}", "{x: 1, z: 4}", id="an object's fields"),
        pytest.param("F", "{}", "{x: null}", id="a field that is null and one that is absent"),
        pytest.param("S", "1", '"1"', id="a custom scalar's number and text"),
        pytest.param("S", "true", '"true"', id="a custom scalar's truth value and text"),
        pytest.param("S", "[1]", "1", id="a custom scalar's list and its item"),
    ],
)
def test_different_values_should_be_different(type_: str, one: str, other: str) -> None:
    assert default(type_, one) != default(type_, other)


@pytest.mark.parametrize(
    ("type_", "written", "text"),
    [
        ("Int", "50", "50"),
        ("E", "A", "A"),
        ("String", '"é"', '"é"'),
        ("[S]", "null", "null"),
        ("F", "{y: 1}", "{y: [1], z: 3}"),
    ],
)
def test_a_default_should_read_as_in_a_schema(type_: str, written: str, text: str) -> None:
    assert default(type_, written) == text


class Need(Enum):
    REQUIRED = "required"


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        (GraphQLInt, 50, "50"),
        (GraphQLInt, None, "null"),
        (GraphQLEnumType("Need", Need, names_as_values=None), Need.REQUIRED, "REQUIRED"),
        (GraphQLList(GraphQLString), ["image"], '["image"]'),
    ],
)
def test_a_default_declared_in_code_should_read_as_one_from_a_document(
    type_: GraphQLInputType, value: object, text: str
) -> None:
    """Strawberry declares defaults as values, which graphql-core keeps elsewhere than those that it read: a comparison of
    either place alone finds all of them equal."""
    assert default_of(GraphQLArgument(type_, default_value=value)) == text


def test_no_default_should_not_be_null() -> None:
    assert default_of(GraphQLArgument(GraphQLInt)) is None
