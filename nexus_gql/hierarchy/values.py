"""The kinds of value a setting can have, and how each is checked.

A value is JSON, shaped as in the API's documents. Checks answer faults: where inside the value, what is wrong, and what to do.
The rules are Kubernetes' own (apimachinery's validation and core/v1's), so that what is accepted here is accepted there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from .placeholders import with_samples
from .rules import Rule

Json = Any


class Fault(NamedTuple):
    """One thing wrong inside a value. `path` is empty for the value itself."""

    message: str
    path: tuple[str, ...] = ()
    remedy: str | None = None

    def under(self, *prefix: str) -> "Fault":
        """The same fault, seen from further out."""
        return self._replace(path=(*prefix, *self.path))


class Kind(Protocol):
    """What a value may be."""

    def faults(self, value: Json) -> Iterator[Fault]:
        """Everything that is wrong with a value."""
        ...


@dataclass(frozen=True)
class Text:
    """A text under a rule. `scalar` is the name of its GraphQL type."""

    rule: Rule | None = None
    scalar: str = "String"
    limit: int = 4096

    def faults(self, value: Json) -> Iterator[Fault]:
        """A text that is too long, holds a NUL, or breaks the rule once its placeholders stand for names."""
        if not isinstance(value, str):
            yield Fault(f"A text is expected here, not {_shown(value)}.")
        elif "\0" in value:
            yield Fault("A text cannot hold the character NUL.")
        elif len(value.encode("utf-8", "surrogatepass")) > self.limit:
            yield Fault(f"This text is longer than {self.limit} bytes.")
        elif not _encodable(value):
            yield Fault("This text holds half a surrogate pair, which no text file can.")
        elif self.rule is not None and (message := self.rule(with_samples(value))) is not None:
            yield Fault(message)


@dataclass(frozen=True)
class Integer:
    """A whole number between two bounds."""

    low: int
    high: int

    def faults(self, value: Json) -> Iterator[Fault]:
        """No whole number, or one out of bounds."""
        if not isinstance(value, int) or isinstance(value, bool):
            yield Fault(f"A whole number is expected here, not {_shown(value)}.")
        elif not self.low <= value <= self.high:
            yield Fault(f"This must lie between {self.low} and {self.high}; it is {value}.")


@dataclass(frozen=True)
class Boolean:
    """True or false."""

    def faults(self, value: Json) -> Iterator[Fault]:
        """Neither."""
        if not isinstance(value, bool):
            yield Fault(f"true or false is expected here, not {_shown(value)}.")


@dataclass(frozen=True)
class Choice:
    """One word of an enum, which has the GraphQL enum's name."""

    words: type[StrEnum]

    def faults(self, value: Json) -> Iterator[Fault]:
        """No word of it."""
        if value not in [word.value for word in self.words]:
            yield Fault(f"One of {', '.join(self.words)} is expected here, not {_shown(value)}.")


@dataclass(frozen=True)
class Texts:
    """A list of texts that replaces as a whole."""

    each: Text
    most: int = 1000

    def faults(self, value: Json) -> Iterator[Fault]:
        """No list, one that is too long, or a wrong text in it."""
        if not isinstance(value, list):
            yield Fault(f"A list of texts is expected here, not {_shown(value)}.")
            return
        if len(value) > self.most:
            yield Fault(f"This list has more than {self.most} entries.")
        for position, text in enumerate(value[: self.most]):
            yield from (fault.under(str(position)) for fault in self.each.faults(text))


@dataclass(frozen=True)
class Field:
    """A part of a record. `required`: in what is put in; what comes out is then never null, unless `nullable` says so.

    `listed`: what comes out is a list, empty where nothing is set.
    """

    name: str
    kind: Kind
    doc: str
    required: bool = False
    nullable: bool = False
    default: StrEnum | None = None
    listed: bool = False


@dataclass(frozen=True)
class Record:
    """A value with fields. `output` and `input` are the names of its GraphQL types."""

    output: str
    input: str
    doc: str
    fields: tuple[Field, ...]
    rule: Callable[[Mapping[str, Json]], Iterator[Fault]] | None = None

    def faults(self, value: Json) -> Iterator[Fault]:
        """Unknown or missing fields, wrong ones, and what the rule says of their combination."""
        if not isinstance(value, dict):
            yield Fault(f"A value with the fields {', '.join(self.names)} is expected here, not {_shown(value)}.")
            return
        known = {field.name: field for field in self.fields}
        sound = True
        for name in sorted(value.keys() - known):
            sound = False
            yield Fault(f"There is no field `{name}`; there are {', '.join(self.names)}.", (name,))
        for name, field in known.items():
            for fault in _field_faults(field, value):
                sound = False
                yield fault.under(name)
        if sound and self.rule is not None:
            yield from self.rule(value)

    @property
    def names(self) -> list[str]:
        """The fields' names, in order."""
        return [field.name for field in self.fields]


@dataclass(frozen=True)
class Records:
    """A list of records that replaces as a whole."""

    each: Record
    most: int = 100

    def faults(self, value: Json) -> Iterator[Fault]:
        """No list, one that is too long, or a wrong record in it."""
        if not isinstance(value, list):
            yield Fault(f"A list is expected here, not {_shown(value)}.")
            return
        if len(value) > self.most:
            yield Fault(f"This list has more than {self.most} entries.")
        for position, record in enumerate(value[: self.most]):
            yield from (fault.under(str(position)) for fault in self.each.faults(record))


@dataclass(frozen=True)
class Pairs:
    """A list of named texts inside an entry, such as annotations: put in as a list, kept as a mapping from name to text."""

    name: Rule
    value: Text

    def faults(self, value: Json) -> Iterator[Fault]:
        """No mapping, a wrong name, or a wrong text."""
        if not isinstance(value, dict):
            yield Fault(f"A mapping from names to texts is expected here, not {_shown(value)}.")
            return
        for name, text in value.items():
            if (message := self.name(name)) is not None:
                yield Fault(message, (name, "name"))
            yield from (fault.under(name, "value") for fault in self.value.faults(text))

    def listed_faults(self, listed: Sequence[Mapping[str, Json]]) -> Iterator[Fault]:
        """The same of what was put in, each fault at its place in the list; and names that stand there twice."""
        seen = set()
        for position, pair in enumerate(listed):
            name, text = pair.get("name", ""), pair.get("value")
            if (message := self.name(name)) is not None:
                yield Fault(message, (str(position), "name"))
            elif name in seen:
                yield Fault(f"`{name}` is named twice.", (str(position), "name"))
            seen.add(name)
            yield from (fault.under(str(position), "value") for fault in self.value.faults(text))


@dataclass(frozen=True)
class Variant:
    """Exactly one of several: a mapping with one key."""

    output: str
    input: str
    doc: str
    options: tuple[Field, ...]

    def faults(self, value: Json) -> Iterator[Fault]:
        """None or several of them, or a wrong one."""
        options = {option.name: option for option in self.options}
        if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in options:
            yield Fault(f"Exactly one of {', '.join(options)} is expected here.")
            return
        ((name, content),) = value.items()
        yield from (fault.under(name) for fault in options[name].kind.faults(content))


def _field_faults(field: Field, record: Mapping[str, Json]) -> Iterator[Fault]:
    if record.get(field.name) is not None:
        yield from field.kind.faults(record[field.name])
    elif field.required:
        yield Fault(f"`{field.name}` is needed here.")


def _encodable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(value: Json) -> str:
    return repr(value)[:60]
