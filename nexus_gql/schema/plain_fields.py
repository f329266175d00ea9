"""Fields without arguments, resolved by one call of their function.

Strawberry converts the arguments and runs the extensions of each field, also where there are none of either: a fourth of the time of a list
of a thousand applications, and so of each snapshot.
"""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLResolveInfo
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

Resolve = Callable[[Any, GraphQLResolveInfo[Any]], Any]


def call_plainly(schema: strawberry.Schema) -> None:
    """Let the plain fields of a schema's object types be resolved so; the fields of a subscription stay what they are."""
    for named in schema._schema.type_map.values():
        if isinstance(named, GraphQLObjectType) and named is not schema._schema.subscription_type:
            for field in named.fields.values():
                field.resolve = _plain(field) or field.resolve


def _plain(field: GraphQLField) -> Resolve | None:
    """One call, where that is all there is to it."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField) or definition.base_resolver is None:
        return None
    function = definition.base_resolver.wrapped_func
    if definition.extensions or definition.is_async or not isinstance(function, FunctionType):
        return None
    match list(inspect.signature(function).parameters):
        case ["self"]:
            return lambda source, _: function(source)
        case ["self", "info"]:
            return lambda source, info: function(source, strawberry.Info(_raw_info=info, _field=definition))
        case _:
            return None
