"""Fields without arguments are resolved by one call, and give what Strawberry's own way gives."""

from collections.abc import Callable

import pytest
import strawberry
from graphql import GraphQLObjectType

from nexus_gql.schema import build_schema
from nexus_gql.schema.plain_fields import call_plainly


@strawberry.type
class Thing:
    """A field of each kind."""

    stored: int

    @strawberry.field
    def plain(self) -> int:
        return self.stored + 1

    @strawberry.field
    def seeing(self, info: strawberry.Info[None, None]) -> str:
        return f"{info.field_name} of {info.path.key} as {info.python_name}"

    @strawberry.field
    def coroutine(self) -> int:
        return _later(self.stored)  # type: ignore[return-value]

    @strawberry.field
    async def waiting(self) -> int:
        return await _later(self.stored)

    @strawberry.field
    def given(self, number: int = 5) -> int:
        return self.stored + number

    @strawberry.field
    def failing(self) -> int | None:
        raise LookupError("nothing there")

    @strawberry.field
    @staticmethod
    def alone() -> int:
        return 7


async def _later(number: int) -> int:
    return number + 2


@strawberry.type
class Query:
    @strawberry.field
    def thing(self) -> Thing:
        return Thing(stored=1)


def schemas() -> tuple[strawberry.Schema, strawberry.Schema]:
    usual, plain = strawberry.Schema(Query), strawberry.Schema(Query)
    call_plainly(plain)
    return usual, plain


async def test_a_plain_field_should_give_what_it_gives_otherwise(caplog: pytest.LogCaptureFixture) -> None:
    document = "{ thing { stored plain x: seeing coroutine waiting given g: given(number: 2) failing alone } }"
    usual, plain = [await schema.execute(document) for schema in schemas()]
    assert plain.data == usual.data
    assert plain.data is not None
    assert plain.data["thing"]["x"] == "seeing of x as seeing"
    assert [(one.message, one.path) for one in plain.errors or ()] == [("nothing there", ["thing", "failing"])]
    assert [one.message for one in usual.errors or ()] == ["nothing there"]
    caplog.clear()  # Strawberry logs the error


def resolvers(schema: strawberry.Schema, name: str) -> dict[str, Callable[..., object] | None]:
    named = schema._schema.type_map[name]
    assert isinstance(named, GraphQLObjectType)
    return {key: field.resolve for key, field in named.fields.items()}


def test_only_fields_without_arguments_should_be_called_plainly() -> None:
    usual, plain = (resolvers(schema, "Thing") for schema in schemas())
    module = "nexus_gql.schema.plain_fields"
    called = {name for name, one in plain.items() if getattr(one, "__module__", "") == module}
    assert called == {"plain", "seeing", "coroutine", "failing"}
    assert not any(getattr(one, "__module__", "") == module for one in usual.values())


def test_the_schema_should_call_its_lists_fields_plainly() -> None:
    for name in ("Application", "Pod", "Workload"):
        found = resolvers(build_schema(), name)
        plain = [one for one in found.values() if getattr(one, "__module__", "") == "nexus_gql.schema.plain_fields"]
        assert len(plain) > len(found) / 3, name
