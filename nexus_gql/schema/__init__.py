"""The GraphQL schema: types by subject; resolvers translate and call, nothing more."""

from functools import cache

import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig

from .application import ApplicationType
from .context import Context, Rooms
from .descriptions import describe
from .feeds import Arrival, Following, Front, Mark, Ordered, Snapshot, StateFeed, Step
from .levels import EnvironmentType, NamespaceType, ProjectType
from .mutation import Mutation
from .plain_fields import call_plainly
from .query import Query
from .scalars import SCALARS
from .subscription import SHARED, Subscription

__all__ = [
    "SHARED",
    "Arrival",
    "Context",
    "Following",
    "Front",
    "Mark",
    "Ordered",
    "Rooms",
    "Snapshot",
    "StateFeed",
    "Step",
    "build_schema",
    "sdl",
]


@cache
def build_schema(*, sort: bool = False) -> strawberry.Schema:
    """The schema: one for all servers of a process, since nothing changes it.

    `sort`: for its text only, since sorting makes new enums that know nothing of Python's.
    """
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[ProjectType, EnvironmentType, NamespaceType, ApplicationType],
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=sort),
    )
    _without_null_defaults(schema._schema)
    describe(schema._schema)
    call_plainly(schema)
    return schema


def _without_null_defaults(schema: GraphQLSchema) -> None:
    """Strawberry writes `= null` wherever an argument may be left out; the contract says nothing there, which means the same."""
    for named in schema.type_map.values():
        if isinstance(named, GraphQLInputObjectType):
            inputs = list(named.fields.values())
        elif isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
            inputs = [argument for field in named.fields.values() for argument in field.args.values()]
        else:
            continue
        for one in inputs:
            if one.default_value is None:
                one.default_value = Undefined


def sdl() -> str:
    """The schema as text, sorted: what `schema.graphql` holds."""
    return build_schema(sort=True).as_str() + "\n"
