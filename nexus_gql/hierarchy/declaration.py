"""How a setting is declared, once; validation, folding, masking, diffing and the GraphQL shapes follow from it.

A *leaf* is what has an origin of its own: a plain setting, one field of a group, one named entry of a list. Its *key* is the
field's name and, behind a dot, the group's field or the entry's name verbatim (`replicas`, `image.tag`, `env.LOG_LEVEL`,
`labels.app.kubernetes.io/part-of`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .rules import Rule
from .values import Fault, Field, Json, Kind, Record


@dataclass(frozen=True)
class Single:
    """A setting that replaces as a whole. `drops`: leaves that this one, set without them, takes away from what is inherited."""

    name: str
    kind: Kind
    doc: str
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A setting whose fields merge one by one."""

    name: str
    output: str
    input: str
    doc: str
    fields: tuple[Single, ...]

    def field(self, name: str) -> Single | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class Named:
    """A list of entries that merge by name, each replaced as a whole.

    `key` is the entry field that holds the name. An entry whose sole other field is `value` is that value; any other is a
    mapping of its fields without the name.
    """

    name: str
    output: str
    input: str
    doc: str
    key: Field
    rule: Rule
    entry: Record | Field

    def name_faults(self, name: str) -> Iterator[Fault]:
        """What is wrong with an entry's name."""
        if (message := self.rule(name)) is not None:
            yield Fault(message, (self.key.name,))

    def entry_faults(self, entry: Json) -> Iterator[Fault]:
        """What is wrong with an entry, seen from the entry as the API writes it."""
        if isinstance(self.entry, Field):
            yield from (fault.under("value") for fault in self.entry.kind.faults(entry))
        else:
            yield from self.entry.faults(entry)


Setting = Single | Group | Named


@dataclass(frozen=True, slots=True)
class Key:
    """A key taken apart: the setting, and the group's field or the entry's name where it has one."""

    setting: Setting
    part: str | None = None

    @property
    def is_leaf(self) -> bool:
        """Whether it names one leaf; otherwise a whole group or list."""
        return self.part is not None or isinstance(self.setting, Single)


class UnknownKey(ValueError):
    """No setting has this key; the message says which are near."""


class Declaration:
    """The table of all settings."""

    def __init__(self, *settings: Setting) -> None:
        self.settings = settings
        self._by_name = {setting.name: setting for setting in settings}

    def __iter__(self) -> Iterator[Setting]:
        return iter(self.settings)

    def __getitem__(self, name: str) -> Setting:
        return self._by_name[name]

    def key(self, text: str) -> Key:
        """The key that a text spells, or UnknownKey."""
        name, dot, part = text.partition(".")
        setting = self._by_name.get(name)
        if setting is None:
            raise UnknownKey(f"There is no setting {text[:80]!r}; there are {', '.join(self._by_name)}.")
        if not dot:
            return Key(setting)
        if isinstance(setting, Single):
            raise UnknownKey(f"`{name}` is one value and has no part {part[:80]!r}.")
        if isinstance(setting, Group) and setting.field(part) is None:
            fields = ", ".join(f"{name}.{field.name}" for field in setting.fields)
            raise UnknownKey(f"There is no setting {text[:80]!r}; there are {fields}.")
        if isinstance(setting, Named) and (message := setting.rule(part)) is not None:
            raise UnknownKey(message)
        return Key(setting, part)

    def leaf_faults(self, key: str, value: Json) -> Iterator[Fault]:
        """What is wrong with a leaf's value."""
        known = self.key(key)
        match known.setting:
            case Single(kind=kind):
                yield from kind.faults(value)
            case Group() as group:
                field = group.field(known.part or "")
                if field is not None:
                    yield from field.kind.faults(value)
            case Named() as named:
                yield from named.entry_faults(value)
