"""Default values as GraphQL understands them: `"image"` for a list is `["image"]`, `1` for a Float is `1.0`."""

import json

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLArgument,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)
from graphql.utilities import get_default_value_ast


def default_of(declared: GraphQLArgument | GraphQLInputField) -> str | None:
    """The default in one way of writing, so that two are the same value exactly when they are the same text; None without one.

    graphql-core keeps a default in `default` where it was read from a document and in `default_value` where code declared it,
    an enum's there as the Python value: only as a literal do the two compare.
    """
    literal = get_default_value_ast(declared)
    return None if literal is None else _text(literal, declared.type)


def _text(literal: ValueNode, type_: GraphQLInputType | None) -> str:
    """type_ is None inside a custom scalar, whose value means no more than it says."""
    if isinstance(type_, GraphQLNonNull):
        return _text(literal, type_.of_type)
    if isinstance(literal, NullValueNode):
        return "null"
    if isinstance(literal, ListValueNode):
        item = type_.of_type if isinstance(type_, GraphQLList) else None
        return f"[{', '.join(_text(each, item) for each in literal.values)}]"
    if isinstance(type_, GraphQLList):
        return f"[{_text(literal, type_.of_type)}]"
    return _object_text(literal, type_) if isinstance(literal, ObjectValueNode) else _leaf_text(literal, type_)


def _object_text(literal: ObjectValueNode, type_: GraphQLInputType | None) -> str:
    declared = type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
    texts = {name: text for name, field in declared.items() if (text := default_of(field)) is not None}
    for field in literal.fields:
        name = field.name.value
        texts[name] = _text(field.value, declared[name].type if name in declared else None)
    return f"{{{', '.join(f'{name}: {text}' for name, text in sorted(texts.items()))}}}"


def _leaf_text(literal: ValueNode, type_: GraphQLInputType | None) -> str:
    match literal:
        case StringValueNode():
            return json.dumps(literal.value, ensure_ascii=False)
        case BooleanValueNode():
            return "true" if literal.value else "false"
        case IntValueNode() if type_ == GraphQLID:
            return json.dumps(literal.value)
        case IntValueNode() | FloatValueNode() if type_ == GraphQLFloat:
            return repr(float(literal.value))
        case IntValueNode() | FloatValueNode() | EnumValueNode():
            return literal.value
        case _:
            raise TypeError(f"Expected a constant, found {literal.kind}.")
