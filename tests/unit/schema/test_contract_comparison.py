"""The comparison that guards the public contract: a test of the ruler, not yet of what it measures."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, print_schema, validate_schema

from tests.unit.schema.contract import differences, missing, undescribed

COPY = Path(__file__).with_name("api.graphql")
ROOT = Path(__file__).parents[3]
ORIGINAL = ROOT.parent / "shared" / "api.graphql"


def schema(document: str) -> GraphQLSchema:
    return build_schema(document if "type Query" in document else f"type Query {{ ok: Boolean }} {document}")


# Each row: what it shows, the contract, ours, and the sentences about ours.
DIFFERENCES = [
    # Kinds and root types
    (
        "a scalar may not become an enum",
        "scalar Path",
        "enum Path { A }",
        ["Path: is an enum, the contract says a scalar"],
    ),
    (
        "an object type may not become an interface",
        "type Pod { a: Int }",
        "interface Pod { a: Int }",
        ["Pod: is an interface, the contract says an object type"],
    ),
    (
        "a union may not become an object type, nor is anything below it compared then",
        "type A { a: Int } union Hit = A",
        "type A { a: Int } type Hit { a: Int }",
        ["Hit: is an object type, the contract says a union"],
    ),
    (
        "an input may not become a type",
        "input F { a: Int }",
        "type F { a: Int }",
        ["F: is an object type, the contract says an input"],
    ),
    ("a scalar stays a scalar", "scalar Path", "scalar Path", []),
    (
        "a scalar keeps its specification",
        'scalar Time @specifiedBy(url: "https://a.example")',
        'scalar Time @specifiedBy(url: "https://b.example")',
        ["Time: specification is https://b.example, the contract says https://a.example"],
    ),
    ("a scalar may gain a specification", "scalar Time", 'scalar Time @specifiedBy(url: "https://a.example")', []),
    (
        "a root type may not be another",
        "type Query { a: Int }",
        "schema { query: Root } type Root { a: Int } type Query { a: Int }",
        ["query: root type is Root, the contract says Query"],
    ),
    (
        "a root type may not be a type like any other",
        "type Query { a: Int } type Subscription { a: Int }",
        "schema { query: Query } type Query { a: Int } type Subscription { a: Int }",
        ["subscription: root type is absent, the contract says Subscription"],
    ),
    (
        "a root type named in other words is the same",
        "type Query { a: Int }",
        "schema { query: Query } type Query { a: Int }",
        [],
    ),
    # Fields
    (
        "a field may not become another type",
        "type Query { pods: Int }",
        "type Query { pods: String }",
        ["Query.pods: type is String, the contract says Int"],
    ),
    (
        "a field may not become nullable",
        "type Query { pods: Int! }",
        "type Query { pods: Int }",
        ["Query.pods: type is Int, the contract says Int!"],
    ),
    (
        "a field may not become non-null either: its error would take its parent along",
        "type Query { pods: Int }",
        "type Query { pods: Int! }",
        ["Query.pods: type is Int!, the contract says Int"],
    ),
    (
        "lists are exactly equal, down to the item",
        "type Query { ids: [[ID!]!]! }",
        "type Query { ids: [[ID]!]! }",
        ["Query.ids: type is [[ID]!]!, the contract says [[ID!]!]!"],
    ),
    (
        "a field of an interface is compared like any other",
        "interface Node { id: ID! }",
        "interface Node { id: ID }",
        ["Node.id: type is ID, the contract says ID!"],
    ),
    ("equal fields are equal", "type Query { ids: [[ID!]!]! }", "type Query { ids: [[ID!]!]! }", []),
    (
        "fields and types may be added",
        "type Query { a: Int }",
        "type Query { a: Int  b: New! } type New { c: Int }",
        [],
    ),
    (
        "neither order, description nor deprecation matters",
        'type Query { "one" a: Int  b(x: Int, y: Int): Int }',
        'type Query { b(y: Int, "two" x: Int): Int  a: Int @deprecated(reason: "old") }',
        [],
    ),
    # Arguments
    (
        "an argument keeps its type",
        "type Query { pods(scope: ID!): Int }",
        "type Query { pods(scope: ID): Int }",
        ["Query.pods(scope:): type is ID, the contract says ID!"],
    ),
    (
        "an argument keeps its default",
        "type Query { pods(first: Int = 100): Int }",
        "type Query { pods(first: Int = 50): Int }",
        ["Query.pods(first:): default is 50, the contract says 100"],
    ),
    (
        "an argument may not lose its default",
        "type Query { pods(first: Int = 100): Int }",
        "type Query { pods(first: Int): Int }",
        ["Query.pods(first:): default is absent, the contract says 100"],
    ),
    (
        "null is a default, which absent is not: in a patch the one takes away and the other leaves alone",
        "type Query { pods(first: Int): Int }",
        "type Query { pods(first: Int = null): Int }",
        ["Query.pods(first:): default is null, the contract says absent"],
    ),
    (
        "type and default of one argument are two sentences",
        'type Query { pods(first: ID = "a"): Int }',
        "type Query { pods(first: Int = 1): Int }",
        [
            "Query.pods(first:): type is Int, the contract says ID",
            'Query.pods(first:): default is 1, the contract says "a"',
        ],
    ),
    (
        "an argument of an interface's field is compared too",
        "interface Level { events(first: Int = 50): Int }",
        "interface Level { events(first: Int = 20): Int }",
        ["Level.events(first:): default is 20, the contract says 50"],
    ),
    (
        "a new argument may not be required",
        "type Query { pods: Int }",
        "type Query { pods(tenant: ID!): Int }",
        ["Query.pods(tenant:): is required, the contract does not know it"],
    ),
    (
        "a new argument may be optional",
        "type Query { pods: Int }",
        "type Query { pods(tenant: ID, first: Int! = 5): Int }",
        [],
    ),
    # Inputs
    (
        "an input field keeps its type",
        "input F { name: String! }",
        "input F { name: String }",
        ["F.name: type is String, the contract says String!"],
    ),
    (
        "an input field keeps its default",
        "enum Need { A B } input F { need: Need = A }",
        "enum Need { A B } input F { need: Need = B }",
        ["F.need: default is B, the contract says A"],
    ),
    ("equal input fields are equal", "input F { need: Int = 1 }", "input F { need: Int = 1 }", []),
    (
        "a new input field may not be required",
        "input F { a: Int }",
        "input F { a: Int  b: Int! }",
        ["F.b: is required, the contract does not know it"],
    ),
    ("a new input field may be optional", "input F { a: Int }", "input F { a: Int  b: Int  c: Int! = 1 }", []),
    (
        "@oneOf stays",
        "input F @oneOf { a: Int }",
        "input F { a: Int }",
        ["F: is not @oneOf, the contract says it is @oneOf"],
    ),
    (
        "@oneOf does not come",
        "input F { a: Int }",
        "input F @oneOf { a: Int }",
        ["F: is @oneOf, the contract says it is not @oneOf"],
    ),
    ("@oneOf may have one more", "input F @oneOf { a: Int }", "input F @oneOf { a: Int  b: Int }", []),
    # Interfaces, unions, enums
    (
        "a type keeps an interface that is there",
        "interface Node { id: ID! } type Pod implements Node { id: ID! }",
        "interface Node { id: ID! } type Pod { id: ID! }",
        ["Pod: does not implement Node, the contract says it does"],
    ),
    (
        "an interface keeps its interface too",
        "interface Node { id: ID! } interface Level implements Node { id: ID! }",
        "interface Node { id: ID! } interface Level { id: ID! }",
        ["Level: does not implement Node, the contract says it does"],
    ),
    (
        "a type may implement one more interface, in any order",
        "interface Node { id: ID! } type Pod implements Node { id: ID! }",
        "interface Node { id: ID! } interface Named { name: ID } type Pod implements Named & Node { id: ID!  name: ID }",
        [],
    ),
    (
        "a union keeps a member that is there",
        "type A { a: Int } type B { a: Int } union Hit = A | B",
        "type A { a: Int } type B { a: Int } union Hit = A",
        ["Hit: B is no member, the contract says it is"],
    ),
    (
        "a union may have one more member, in any order",
        "type A { a: Int } union Hit = A",
        "type A { a: Int } type B { a: Int } union Hit = B | A",
        [],
    ),
    (
        "an enum may have one more value, in any order",
        "enum Health { GOOD BAD }",
        "enum Health { BAD UNKNOWN GOOD }",
        [],
    ),
    # What is missing is not a difference
    (
        "what is not there yet is no difference",
        "interface Node { id: ID! } type Pod implements Node { id: ID!  ip(v: Int): Int } union Hit = Pod enum E { A B } input F { a: Int  b: Int }",
        "type Pod { id: ID! } enum E { A } input F { a: Int }",
        [],
    ),
]


@pytest.mark.parametrize(
    ("contract", "ours", "sentences"), [row[1:] for row in DIFFERENCES], ids=[row[0] for row in DIFFERENCES]
)
def test_each_difference_should_be_said_in_a_sentence_and_each_growth_should_be_let_pass(
    contract: str, ours: str, sentences: list[str]
) -> None:
    assert differences(schema(contract), schema(ours)) == sentences


# Each row: what it shows, the contract, ours, and the coordinates that ours has not.
MISSING = [
    ("a type, and nothing below it", "type Pod { id(a: Int): ID! }", "", ["Pod"]),
    ("a scalar", "scalar Path", "", ["Path"]),
    ("a scalar of GraphQL's own is never missing", "type Query { a: Float }", "type Query { b: Int }", ["Query.a"]),
    ("a root type", "type Query { a: Int } type Mutation { b: Int }", "type Query { a: Int }", ["Mutation"]),
    ("a field, and nothing below it", "type Pod { id: ID  ip(v: Int): Int }", "type Pod { id: ID }", ["Pod.ip"]),
    ("a field of an interface", "interface Node { id: ID  v: Int }", "interface Node { id: ID }", ["Node.v"]),
    ("an argument", "type Pod { ip(v: Int, w: Int): Int }", "type Pod { ip(w: Int): Int }", ["Pod.ip(v:)"]),
    ("an input field", "input F { a: Int  b: Int }", "input F { a: Int }", ["F.b"]),
    ("an enum value", "enum E { A B C }", "enum E { B }", ["E.A", "E.C"]),
    (
        "a member that is no type yet",
        "type A { a: Int } type B { a: Int } union Hit = A | B",
        "type A { a: Int } union Hit = A",
        ["B", "Hit = B"],
    ),
    (
        "an interface that is no type yet",
        "interface Node { id: ID! } type Pod implements Node { id: ID! }",
        "type Pod { id: ID! }",
        ["Node", "Pod implements Node"],
    ),
    (
        "what both have is not missing, nor what only ours has",
        "interface N { id: ID } type A implements N { id: ID  f(a: Int): Int } union U = A enum E { A } input F { a: Int } scalar S",
        """
        interface N { id: ID  x: ID } type A implements N { id: ID  x: ID  f(a: Int, b: Int): Int } type B { a: Int } union U = A | B
        enum E { A B } input F { a: Int  b: Int } scalar S
        """,
        [],
    ),
    ("a type of another kind is a difference, not a gap", "enum Path { A B }", "scalar Path", []),
    (
        "a bond between two that are there is a difference, not a gap",
        "interface Node { id: ID! } type Pod implements Node { id: ID! } union Hit = Pod",
        "interface Node { id: ID! } type Pod { id: ID! } type A { a: Int } union Hit = A",
        [],
    ),
]


@pytest.mark.parametrize(
    ("contract", "ours", "coordinates"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING]
)
def test_what_ours_has_not_yet_should_be_named_once(contract: str, ours: str, coordinates: list[str]) -> None:
    assert missing(schema(contract), schema(ours)) == coordinates


def test_each_place_without_a_description_should_be_named_and_no_other_should() -> None:
    bare = """
        type Query { a(b: Int): Int }
        interface Node { id: ID }
        union Hit = Query
        enum E { A }
        input F { b: Int }
        scalar S
        " "
        scalar Blank
    """
    described = """
        "said" type Query { "said" a("said" b: Int): Int }
        "said" interface Node { "said" id: ID }
        "said" union Hit = Query
        "said" enum E { "said" A }
        "said" input F { "said" b: Int }
        "said" scalar S
        "said" scalar Blank
    """
    assert sorted(undescribed(build_schema(bare))) == sorted(
        ["Query", "Query.a", "Query.a(b:)", "Node", "Node.id", "Hit", "E", "E.A", "F", "F.b", "S", "Blank"]
    )
    assert undescribed(build_schema(described)) == []


def test_the_contract_should_be_a_valid_schema_that_fulfils_itself() -> None:
    contract = build_schema(COPY.read_text())
    reprinted = build_schema(print_schema(contract))
    assert validate_schema(contract) == []
    assert (differences(contract, reprinted), missing(contract, reprinted)) == ([], [])


def test_of_the_contract_a_schema_with_nothing_in_it_should_miss_every_type() -> None:
    contract = build_schema(COPY.read_text())
    absent = missing(contract, schema("type Query { ok: Boolean }"))
    assert {
        "Path",
        "Level",
        "Application",
        "Mutation",
        "Subscription",
        "ClusterInput",
        "SearchHit",
        "Query.pods",
    } <= set(absent)


@pytest.mark.skipif(
    not ORIGINAL.exists(), reason="the original of the contract, ../shared/api.graphql beside the project, is not here"
)
def test_the_copy_of_the_contract_should_be_the_original() -> None:
    assert COPY.read_bytes() == ORIGINAL.read_bytes()
