"""GraphQL types of settings' values, made from the declaration: what comes out, what goes in, and how JSON becomes either."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry

from nexus_gql.hierarchy import (
    Boolean,
    Choice,
    Field,
    Group,
    Integer,
    Kind,
    Named,
    Pairs,
    Record,
    Records,
    Text,
    Texts,
    Variant,
)

from .scalars import ApplicationRef, Duration, Quantity

_SCALARS: dict[str, Any] = {
    "String": str,
    "Duration": Duration,
    "Quantity": Quantity,
    "ApplicationRef": ApplicationRef,
}

_LABEL: tuple[str, dict[str, tuple[Any, str]]] = (
    "A named text, such as a label or an annotation.",
    {"name": (str, "Its name, with or without a DNS name and a slash before it."), "value": (str, "Its value.")},
)

Read = Callable[[Any], Any]
"""From JSON to what GraphQL shows."""


class Values:
    """Makes each type once, however often the declaration names it. `variants`: hand-made outputs, by name."""

    def __init__(self, variants: Mapping[str, tuple[Any, Read]]) -> None:
        self._variants = variants
        self._outputs: dict[str, Any] = {}
        self._inputs: dict[str, Any] = {}
        self._enums: dict[str, Any] = {}

    # ── what comes out ──

    def output(self, kind: Kind) -> tuple[Any, Read]:
        """The type of a value that is shown, and how it is read from JSON."""
        match kind:
            case Record():
                return self._record(kind)
            case Records(each=each):
                inner, read = self._record(each)
                return list_of(inner), lambda value: [read(item) for item in value]
            case Variant(output=name):
                return self._variants[name]
            case Pairs():
                pair = self._output("Label", *_LABEL)
                return list_of(pair), lambda value: [
                    pair(name=name, value=text) for name, text in sorted(value.items())
                ]
            case Choice(words=words):
                return self._enum(kind), words
            case _:
                return self._plain(kind), _as_it_is

    def _record(self, record: Record) -> tuple[Any, Read]:
        columns = {field.name: self._shown(field) for field in record.fields}
        made = self._output(record.output, record.doc, {name: column[:2] for name, column in columns.items()})
        reads = {name: read for name, (_, _, read) in columns.items()}
        return made, _reader(made, reads, record.fields)

    def entry(self, named: Named) -> tuple[Any, Callable[[str, Any], Any]]:
        """The type of a named entry that is shown, and how it is read from its name and its JSON."""
        inner = named.entry.fields if isinstance(named.entry, Record) else (named.entry,)
        columns = {field.name: self._shown(field) for field in inner}
        key, _ = self.output(named.key.kind)
        typed = {named.key.name: (key, named.key.doc), **{name: column[:2] for name, column in columns.items()}}
        made = self._output(named.output, _entry_doc(named), typed)
        reads = {name: read for name, (_, _, read) in columns.items()}
        read_entry = _reader(made, reads, inner)
        sole = not isinstance(named.entry, Record)

        def read(name: str, value: Any) -> Any:
            shape = {"value": value} if sole else value
            return read_entry({**shape, named.key.name: name})

        return made, read

    def group(self, group: Group) -> tuple[Any, Read]:
        """The type of a group that is shown, each field null where nothing is set, and how it is read from JSON."""
        columns = {single.name: self.output(single.kind) for single in group.fields}
        docs = {single.name: single.doc for single in group.fields}
        typed = {name: (made | None, docs[name]) for name, (made, _) in columns.items()}
        made = self._output(group.output, group.doc, typed)
        return made, _reader(made, {name: read for name, (_, read) in columns.items()})

    def _shown(self, field: Field) -> tuple[Any, str, Read]:
        made, read = self.output(field.kind)
        certain = (field.required or field.default is not None or field.listed) and not field.nullable
        return (made if certain else made | None), field.doc, read

    def _output(self, name: str, doc: str, columns: Mapping[str, tuple[Any, str]]) -> Any:
        if name not in self._outputs:
            space: dict[str, Any] = {"__annotations__": {column: made for column, (made, _) in columns.items()}}
            space |= {column: strawberry.field(description=text) for column, (_, text) in columns.items()}
            self._outputs[name] = strawberry.type(type(name, (), space), name=name, description=doc)
        return self._outputs[name]

    # ── what goes in ──

    def input(self, kind: Kind) -> Any:
        """The type of a value that is put in."""
        match kind:
            case Record():
                return self._input(kind.input, kind.doc, kind.fields)
            case Records(each=each):
                return list_of(self._input(each.input, each.doc, each.fields))
            case Variant():
                return self._one_of(kind)
            case Choice():
                return self._enum(kind)
            case Pairs():
                name, value = (Field(part, Text(), doc, required=True) for part, (_, doc) in _LABEL[1].items())
                return list_of(self._input("LabelPatch", _LABEL[0], (name, value)))
            case _:
                return self._plain(kind)

    def entry_input(self, named: Named) -> Any:
        """The type of a named entry that is put in."""
        inner = named.entry.fields if isinstance(named.entry, Record) else (named.entry,)
        return self._input(named.input, _entry_doc(named), (named.key, *inner))

    def group_input(self, group: Group) -> Any:
        """The type of a group that is put in."""
        inner = tuple(Field(single.name, single.kind, single.doc) for single in group.fields)
        return self._input(group.input, group.doc, inner)

    def _input(self, name: str, doc: str, inner: tuple[Field, ...]) -> Any:
        if name not in self._inputs:
            space: dict[str, Any] = {"__annotations__": {}}
            for field in sorted(inner, key=lambda field: not field.required):
                made = self.input(field.kind)
                space["__annotations__"][field.name] = made if field.required else made | None
                space[field.name] = (
                    strawberry.field(description=field.doc)
                    if field.required
                    else strawberry.field(description=field.doc, default=field.default or strawberry.UNSET)
                )
            self._inputs[name] = strawberry.input(type(name, (), space), name=name, description=doc)
        return self._inputs[name]

    def _one_of(self, variant: Variant) -> Any:
        name = variant.input
        if name not in self._inputs:
            columns = {option.name: self.input(option.kind) | None for option in variant.options}
            space: dict[str, Any] = {"__annotations__": columns}
            space |= {
                option.name: strawberry.field(description=option.doc, default=strawberry.UNSET)
                for option in variant.options
            }
            self._inputs[name] = strawberry.input(
                type(name, (), space), name=name, description=variant.doc, one_of=True
            )
        return self._inputs[name]

    # ── what is the same both ways ──

    def _plain(self, kind: Kind) -> Any:
        match kind:
            case Text(scalar=scalar):
                return _SCALARS[scalar]
            case Integer():
                return int
            case Boolean():
                return bool
            case Texts():
                return list[str]
            case _:
                raise TypeError(f"no GraphQL type is known for {kind!r}")

    def _enum(self, choice: Choice) -> Any:
        name = choice.words.__name__
        if name not in self._enums:
            self._enums[name] = strawberry.enum(choice.words, name=name, description=choice.words.__doc__)
        return self._enums[name]


def list_of(made: Any) -> Any:
    """The list of a type that was made."""
    return list[made]


def _entry_doc(named: Named) -> str:
    return named.entry.doc if isinstance(named.entry, Record) else named.doc


def _as_it_is(value: Any) -> Any:
    return value


def _reader(made: Any, reads: Mapping[str, Read], listed: Iterable[Field] = ()) -> Read:
    names = [field.name for field in fields(made)]
    nothing: dict[str, Any] = {field.name: {} for field in listed if field.listed}

    def read(shape: Any) -> Any:
        present = {name: shape.get(name, nothing.get(name)) for name in names}
        return made(
            **{
                name: reads[name](value) if value is not None and name in reads else value
                for name, value in present.items()
            }
        )

    return read


def shape_of(value: Any) -> Any:
    """An input as JSON: absent fields left out, null as None, enums as their words."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    if hasattr(value, "__strawberry_definition__"):
        return {
            field.name: shape_of(inner)
            for field in fields(value)
            if (inner := getattr(value, field.name)) is not strawberry.UNSET
        }
    return value
