"""Our schema is what the exported file says, true to the public contract, and explains itself."""

from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema

from nexus_gql.schema import sdl
from tests.unit.schema.contract import differences, missing, undescribed

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
COPY = HERE / "api.graphql"
ORIGINAL = ROOT.parent / "shared" / "api.graphql"


@cache
def ours() -> GraphQLSchema:
    return build_schema(sdl())


@cache
def contract() -> GraphQLSchema:
    return build_schema(COPY.read_text())


def test_the_exported_schema_should_be_current() -> None:
    assert (ROOT / "schema.graphql").read_text() == sdl(), "run `nexus schema schema.graphql`"


def test_nothing_that_the_contract_has_should_differ() -> None:
    assert differences(contract(), ours()) == []


def test_what_of_the_contract_is_missing_should_be_listed() -> None:
    listed = (HERE / "missing.txt").read_text().splitlines()
    assert missing(contract(), ours()) == listed, "write what is missing into missing.txt: it may only become less"


def test_only_what_says_everything_by_its_name_should_be_without_description() -> None:
    """Names such as `createdAt`, or an argument that its field's description speaks of, need no words of their own."""
    plain = (HERE / "undescribed.txt").read_text().splitlines()
    assert sorted(undescribed(ours())) == plain, "describe it, or see whether its name says it all and list it"


def test_every_type_should_have_a_description() -> None:
    assert [one for one in undescribed(ours()) if "." not in one] == []


@pytest.mark.skipif(not ORIGINAL.is_file(), reason="the contract's original is not beside the project")
def test_the_copy_of_the_contract_should_equal_the_original() -> None:
    assert COPY.read_text() == ORIGINAL.read_text()
