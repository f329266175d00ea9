"""A change of one level's settings: checked against the declaration, then applied to the level's document."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from nexus_gql.problems import Problem, ProblemCode

from .declaration import Declaration, Group, Named, Single, UnknownKey
from .documents import Document, is_secret
from .values import Fault, Field, Json, Pairs, Record

DOCUMENT_LIMIT = 1_000_000
"""Bytes of text that one level's document may hold: a few documents and a manifest must stay far below etcd's 1.5 MB."""


@dataclass(frozen=True)
class Patch:
    """What a SettingsPatch says, by leaf key.

    A secret's text stands in `secrets` alone, for the vault; in `sets` stands the reference that the document will hold, new
    each time: comparing texts would tell somebody whether they guessed one. `paths` tells for each key where in the input it
    stands, so that a problem found later can point there.
    """

    sets: Mapping[str, Json] = field(default_factory=dict)
    inherits: Sequence[str] = ()
    removes: Sequence[str] = ()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.sets or self.inherits or self.removes)

    def where(self, key: str) -> tuple[str, ...]:
        """Where in the input a key stands; the patch itself for one that it does not name."""
        return self.paths.get(key, ())


def read(shape: Mapping[str, Json], declaration: Declaration) -> tuple[Patch, list[Problem]]:
    """The patch that an input spells, and all that is wrong with it.

    `shape` is the input as GraphQL gives it: absent fields left out, null as None, lists of named entries as lists.
    """
    reading = _Reading(declaration)
    for name, value in shape.items():
        if name not in {"inherit", "remove"}:
            reading.setting(name, value)
    reading.keys("inherit", shape.get("inherit") or [], reading.inherits)
    reading.keys("remove", shape.get("remove") or [], reading.removes)
    reading.overlaps()
    patch = Patch(reading.sets, list(reading.inherits), list(reading.removes), reading.secrets, reading.paths)
    return patch, reading.problems


class _Reading:
    """One walk over an input."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.sets: dict[str, Json] = {}
        self.secrets: dict[str, str] = {}
        self.inherits: dict[str, None] = {}
        self.removes: dict[str, None] = {}
        self.paths: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []

    def setting(self, name: str, value: Json) -> None:
        setting = self.declaration[name]
        if value is None:
            self.inherits[name] = None
            self.paths[name] = (name,)
        elif isinstance(setting, Single):
            given = _without_nulls(value)
            self._leaf(name, given, (name,), setting.kind.faults(given))
        elif isinstance(setting, Group):
            self._group(setting, value)
        else:
            self._entries(setting, value)

    def _group(self, group: Group, value: Mapping[str, Json]) -> None:
        for part, inner in value.items():
            key = f"{group.name}.{part}"
            declared = group.field(part)
            if declared is None:
                self._problem((group.name, part), Fault(f"`{group.name}` has no field `{part}`."))
            elif inner is None:
                self.inherits[key] = None
                self.paths[key] = (group.name, part)
            else:
                given = _without_nulls(inner)
                self._leaf(key, given, (group.name, part), declared.kind.faults(given))

    def _entries(self, named: Named, entries: Sequence[Mapping[str, Json]]) -> None:
        for position, given in enumerate(entries):
            entry = {part: _without_nulls(inner) for part, inner in given.items() if inner is not None}
            path = (named.name, str(position))
            name = entry.pop(named.key.name, "")
            faults = [*named.name_faults(name)]
            if isinstance(named.entry, Record):
                entry = {**_defaults(named.entry), **entry}
                faults += _with_pairs(named.entry, entry)
            value = entry.get("value") if isinstance(named.entry, Field) else entry
            faults = faults or [*named.entry_faults(value)]
            key = f"{named.name}.{name}"
            if key in self.sets:
                faults.append(Fault(f"`{name}` is named twice.", (named.key.name,)))
            if faults:  # Such a name is in no message and no key: it may be megabytes, or no text at all.
                self._problems(path, faults)
            else:
                self._leaf(key, value, path, ())

    def _leaf(self, key: str, value: Json, path: tuple[str, ...], faults: Iterable[Fault]) -> None:
        self._problems(path, faults)
        if is_secret(value):
            self.secrets[key] = value["secret"]
            value = {"secret": str(uuid4())}
        self.sets[key] = value
        self.paths[key] = path

    def keys(self, argument: str, keys: Sequence[str], into: dict[str, None]) -> None:
        for position, key in enumerate(keys):
            path = (argument, str(position))
            try:
                self.declaration.key(key)
            except UnknownKey as error:
                self._problem(path, Fault(str(error)))
                continue
            into[key] = None
            self.paths.setdefault(key, path)
            self.paths[f"{argument} {key}"] = path

    def overlaps(self) -> None:
        """A key can be set, inherited or removed, not two of these; a whole group or list includes its parts."""
        for argument, keys in (("inherit", self.inherits), ("remove", self.removes)):
            others = dict.fromkeys([*self.sets, *(self.removes if argument == "inherit" else ())])
            parts = {_whole(other): other for other in others}
            for key in keys:
                other = next((near for near in (key, _whole(key)) if near in others), parts.get(key))
                if other is not None:
                    also = "set" if other in self.sets else "removed"
                    path = self.paths.get(f"{argument} {key}", self.paths[key])
                    message = f"`{key}` is named in {argument}, and `{other}` is {also} in the same patch."
                    self._problem(path, Fault(message))

    def _problems(self, path: tuple[str, ...], faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._problem(path, fault)

    def _problem(self, path: tuple[str, ...], fault: Fault) -> None:
        self.problems.append(Problem(ProblemCode.INVALID, fault.message, (*path, *fault.path), fault.remedy))


def _whole(key: str) -> str:
    """The group or list that a key belongs to. A name may hold dots, so `labels.app` is no part of `labels.app.kubernetes.io/name`."""
    return key.partition(".")[0]


def _with_pairs(record: Record, entry: dict[str, Json]) -> list[Fault]:
    """Turn lists of named texts in an entry into the mappings that are kept; what is wrong with them as they were put in."""
    faults = []
    for part in record.fields:
        if isinstance(part.kind, Pairs) and isinstance(listed := entry.get(part.name), list):
            faults += [fault.under(part.name) for fault in part.kind.listed_faults(listed)]
            entry[part.name] = {pair.get("name", ""): pair.get("value") for pair in listed}
    return faults


def _defaults(record: Record) -> dict[str, Json]:
    return {part.name: part.default.value for part in record.fields if part.default is not None}


def _without_nulls(value: Json) -> Json:
    """A record's fields that are null are as if absent; lists of records likewise."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def apply(document: Document, patch: Patch, declaration: Declaration) -> dict[str, Json]:
    """The document after the patch."""
    result = dict(document)
    for key in [*patch.inherits, *patch.removes]:
        for own in [own for own in result if key in (own, _whole(own))]:
            del result[own]
    result |= dict.fromkeys(patch.removes)
    result |= patch.sets
    for key in patch.sets:
        for dropped in _drops(key, declaration):
            # What is taken away by name stays so: it would show again when the setting that drops it is inherited.
            if dropped not in patch.sets and result.get(dropped) is not None:
                del result[dropped]
    return result


def _drops(key: str, declaration: Declaration) -> list[str]:
    known = declaration.key(key)
    if isinstance(known.setting, Single):
        return list(known.setting.drops)
    if isinstance(known.setting, Group) and (part := known.setting.field(known.part or "")):
        return [f"{known.setting.name}.{dropped}" for dropped in part.drops]
    return []


def size(document: Document) -> int:
    """Bytes of text in a document."""

    def measure(value: Json) -> int:
        if isinstance(value, str):
            return len(value.encode())
        if isinstance(value, dict):
            return sum(len(key.encode()) + measure(inner) for key, inner in value.items())
        if isinstance(value, list):
            return sum(measure(inner) for inner in value)
        return 8

    return sum(len(key.encode()) + measure(value) for key, value in document.items())
