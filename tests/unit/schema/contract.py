"""The rule of the public contract, as a comparison: what stands in it keeps its name, shape and meaning, and more may come.

`missing` names what ours has not yet. `differences` says where what both have is not alike, and what ours adds that breaks a
client which knows only the contract. Together they are empty exactly when ours fulfils the contract. Nothing is said twice.
Descriptions and deprecations are not compared.
"""

from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationType,
    is_introspection_type,
    is_required_argument,
    is_required_input_field,
    is_specified_scalar_type,
)

from tests.unit.schema.default_values import default_of

KINDS: Mapping[type[GraphQLNamedType], str] = {
    GraphQLScalarType: "a scalar",
    GraphQLObjectType: "an object type",
    GraphQLInterfaceType: "an interface",
    GraphQLUnionType: "a union",
    GraphQLEnumType: "an enum",
    GraphQLInputObjectType: "an input",
}


def differences(contract: GraphQLSchema, ours: GraphQLSchema) -> list[str]:
    """Where ours is not as the contract says: a sentence each, in the contract's order."""
    return [
        *_root_differences(contract, ours),
        *(each for pair in _shared(contract, ours) for each in _differences(*pair, ours)),
    ]


def missing(contract: GraphQLSchema, ours: GraphQLSchema) -> list[str]:
    """The coordinates of the contract that ours has not yet; what hangs below a missing one is not named again."""
    absent = [name for name in _declared(contract) if name not in ours.type_map]
    return [*absent, *(each for pair in _shared(contract, ours) for each in _missing(*pair, ours))]


def undescribed(schema: GraphQLSchema) -> list[str]:
    """The coordinates that have no description."""
    return [
        coordinate
        for type_ in _declared(schema).values()
        for coordinate, description in _descriptions(type_)
        if not (description or "").strip()
    ]


def _declared(schema: GraphQLSchema) -> dict[str, GraphQLNamedType]:
    return {
        name: type_
        for name, type_ in schema.type_map.items()
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
    }


def _shared(contract: GraphQLSchema, ours: GraphQLSchema) -> Iterator[tuple[GraphQLNamedType, GraphQLNamedType]]:
    for name, theirs in _declared(contract).items():
        if mine := ours.type_map.get(name):
            yield theirs, mine


def _kind(type_: GraphQLNamedType) -> str:
    return next(word for kind, word in KINDS.items() if isinstance(type_, kind))


# ── What both have ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _root_differences(contract: GraphQLSchema, ours: GraphQLSchema) -> Iterator[str]:
    for operation in OperationType:
        theirs, mine = contract.get_root_type(operation), ours.get_root_type(operation)
        if theirs and theirs.name in ours.type_map:
            yield from _unlike(operation.value, "root type", mine.name if mine else None, theirs.name)


def _differences(theirs: GraphQLNamedType, mine: GraphQLNamedType, ours: GraphQLSchema) -> Iterator[str]:
    if _kind(mine) != _kind(theirs):
        yield f"{theirs.name}: is {_kind(mine)}, the contract says {_kind(theirs)}"
        return
    match theirs, mine:
        case GraphQLObjectType() | GraphQLInterfaceType(), GraphQLObjectType() | GraphQLInterfaceType():
            yield from _interface_differences(theirs, mine, ours)
            for name in _both(theirs.fields, mine.fields):
                yield from _field_differences(f"{theirs.name}.{name}", theirs.fields[name], mine.fields[name])
        case GraphQLInputObjectType(), GraphQLInputObjectType():
            yield from _input_differences(theirs, mine)
        case GraphQLUnionType(), GraphQLUnionType():
            members = {member.name for member in mine.types}
            for member in theirs.types:
                if member.name in ours.type_map and member.name not in members:
                    yield f"{theirs.name}: {member.name} is no member, the contract says it is"
        case GraphQLScalarType(), GraphQLScalarType():
            if theirs.specified_by_url is not None:
                yield from _unlike(theirs.name, "specification", mine.specified_by_url, theirs.specified_by_url)


def _interface_differences(
    theirs: GraphQLObjectType | GraphQLInterfaceType,
    mine: GraphQLObjectType | GraphQLInterfaceType,
    ours: GraphQLSchema,
) -> Iterator[str]:
    implemented = {interface.name for interface in mine.interfaces}
    for interface in theirs.interfaces:
        if interface.name in ours.type_map and interface.name not in implemented:
            yield f"{theirs.name}: does not implement {interface.name}, the contract says it does"


def _field_differences(coordinate: str, theirs: GraphQLField, mine: GraphQLField) -> Iterator[str]:
    yield from _unlike(coordinate, "type", str(mine.type), str(theirs.type))
    for name in _both(theirs.args, mine.args):
        yield from _value_differences(f"{coordinate}({name}:)", theirs.args[name], mine.args[name])
    for name, argument in mine.args.items():
        if name not in theirs.args and is_required_argument(argument):
            yield f"{coordinate}({name}:): is required, the contract does not know it"


def _input_differences(theirs: GraphQLInputObjectType, mine: GraphQLInputObjectType) -> Iterator[str]:
    if mine.is_one_of != theirs.is_one_of:
        yield f"{theirs.name}: {_is_one_of(mine)}, the contract says it {_is_one_of(theirs)}"
    for name in _both(theirs.fields, mine.fields):
        yield from _value_differences(f"{theirs.name}.{name}", theirs.fields[name], mine.fields[name])
    for name, field in mine.fields.items():
        if name not in theirs.fields and is_required_input_field(field):
            yield f"{theirs.name}.{name}: is required, the contract does not know it"


def _is_one_of(type_: GraphQLInputObjectType) -> str:
    return "is @oneOf" if type_.is_one_of else "is not @oneOf"


def _value_differences(
    coordinate: str, theirs: GraphQLArgument | GraphQLInputField, mine: GraphQLArgument | GraphQLInputField
) -> Iterator[str]:
    yield from _unlike(coordinate, "type", str(mine.type), str(theirs.type))
    yield from _unlike(coordinate, "default", default_of(mine), default_of(theirs))


def _unlike(coordinate: str, what: str, mine: str | None, theirs: str | None) -> Iterator[str]:
    if mine != theirs:
        yield f"{coordinate}: {what} is {mine or 'absent'}, the contract says {theirs or 'absent'}"


def _both(theirs: Mapping[str, object], mine: Mapping[str, object]) -> list[str]:
    return [name for name in theirs if name in mine]


# ── What ours has not ───────────────────────────────────────────────────────────────────────────────────────────────────


def _missing(theirs: GraphQLNamedType, mine: GraphQLNamedType, ours: GraphQLSchema) -> Iterator[str]:
    if _kind(mine) != _kind(theirs):
        return
    match theirs, mine:
        case GraphQLObjectType() | GraphQLInterfaceType(), GraphQLObjectType() | GraphQLInterfaceType():
            # Where both types are there and only the bond between them is not, that is a difference.
            yield from (
                f"{theirs.name} implements {each.name}" for each in theirs.interfaces if each.name not in ours.type_map
            )
            for name, field in theirs.fields.items():
                coordinate = f"{theirs.name}.{name}"
                if name not in mine.fields:
                    yield coordinate
                else:
                    yield from (f"{coordinate}({each}:)" for each in field.args if each not in mine.fields[name].args)
        case GraphQLInputObjectType(), GraphQLInputObjectType():
            yield from (f"{theirs.name}.{name}" for name in theirs.fields if name not in mine.fields)
        case GraphQLEnumType(), GraphQLEnumType():
            yield from (f"{theirs.name}.{name}" for name in theirs.values if name not in mine.values)
        case GraphQLUnionType(), GraphQLUnionType():
            yield from (f"{theirs.name} = {each.name}" for each in theirs.types if each.name not in ours.type_map)


# ── What nobody has described ───────────────────────────────────────────────────────────────────────────────────────────


def _descriptions(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    yield type_.name, type_.description
    match type_:
        case GraphQLObjectType() | GraphQLInterfaceType():
            for name, field in type_.fields.items():
                yield f"{type_.name}.{name}", field.description
                yield from (
                    (f"{type_.name}.{name}({each}:)", argument.description) for each, argument in field.args.items()
                )
        case GraphQLInputObjectType():
            yield from ((f"{type_.name}.{name}", field.description) for name, field in type_.fields.items())
        case GraphQLEnumType():
            yield from ((f"{type_.name}.{name}", value.description) for name, value in type_.values.items())
