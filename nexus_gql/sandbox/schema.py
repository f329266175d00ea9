"""What every field of every kind is: its type, and how values of it are merged and owned. Read from `fields.txt`.

A type's first line is its name, with `atomic` where it is owned as a whole. Then a line for each field: its name (`!`: required),
its type (`[T]` a list, `{T}` a map), and words:
`keys=a,b` a list whose items are known by these fields; `set` a list of unique scalars; `atomic` owned as a whole (a list with
none of these words is that too); `merge=key` strategic merge joins the list, by that field of its items; `retain` strategic
merge keeps only the fields that the patch names; `always` the field is there even when nobody set it, as `{}`; `omit` a zero is
the same as absence; `default=…` what absence means; `enum=…` the words that are allowed.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

ZERO: dict[str, object] = {"string": "", "bool": False, "int32": 0, "int64": 0}


@dataclass(eq=False, slots=True)
class Type:
    """A type. `shape` is struct, map, list, or a scalar's name."""

    shape: str
    name: str = ""
    atomic: bool = False
    fields: "dict[str, Field]" = field(default_factory=dict)
    element: "Type | None" = None
    keys: tuple[str, ...] = ()
    unique: bool = False
    always: "tuple[str, ...]" = ()

    @property
    def item(self) -> "Type":
        """The type of what a list or a map holds."""
        return ANY if self.element is None else self.element


@dataclass(eq=False, slots=True)
class Field:
    """A field of a struct."""

    name: str
    type: Type
    required: bool = False
    always: bool = False
    omit: bool = False
    merge: str | None = None
    retain: bool = False
    default: str | None = None
    enum: tuple[str, ...] = ()


ANY = Type("any", "any", atomic=True)
_SCALARS = {
    name: Type(name, name, atomic=True)
    for name in ("string", "bool", "int32", "int64", "number", "quantity", "int-or-string", "time", "bytes")
} | {"any": ANY}


def struct(name: str) -> Type:
    """The type of that name: a kind's own name for its objects."""
    return types()[name]


@cache
def types() -> dict[str, Type]:
    """All types."""
    text = files("nexus_gql.sandbox").joinpath("fields.txt").read_text(encoding="utf-8")
    blocks = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith("#")]
    found: dict[str, Type] = {}
    for lines in blocks:
        name, *words = lines[0].split()
        found[name] = Type("struct", name, atomic="atomic" in words)
    for lines in blocks:
        owner = found[lines[0].split()[0]]
        for line in lines[1:]:
            one = _field(line.split(), found)
            owner.fields[one.name] = one
        owner.always = tuple(one.name for one in owner.fields.values() if one.always)
    return found


def _field(words: list[str], structs: dict[str, Type]) -> Field:
    name, text, *rest = words
    options = dict(word.partition("=")[::2] for word in rest)
    enum = options.get("enum")
    return Field(
        name.rstrip("!"),
        _type(text, options, structs),
        required=name.endswith("!"),
        always="always" in options,
        omit="omit" in options,
        merge=options.get("merge"),
        retain="retain" in options,
        default=options.get("default"),
        enum=tuple(enum.split("|")) if enum else (),
    )


def _type(text: str, options: dict[str, str], structs: dict[str, Type]) -> Type:
    if text in _SCALARS:
        return _SCALARS[text]
    inside = text[1:-1]
    if text.startswith("["):
        keys = tuple(options["keys"].split(",")) if "keys" in options else ()
        unique = "set" in options
        return Type("list", text, not (keys or unique), element=_type(inside, {}, structs), keys=keys, unique=unique)
    if text.startswith("{"):
        return Type("map", text, "atomic" in options, element=_type(inside, {}, structs))
    return structs[text]
