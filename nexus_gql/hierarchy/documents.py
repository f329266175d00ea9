"""What one level sets, and how levels fold.

A document maps leaf keys to JSON values. A value of None takes away what is inherited there; a key that names a whole group or
list (`ingress`) only ever maps to None, and takes away all that is inherited under it, whatever is added above later.

`DROPPED` marks what a level takes away by implication (`tag` without `digest`). Marks are put in before folding and taken out
at the end, which is what makes the fold associative: a folded pair of documents still says what it takes away.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .declaration import Declaration, Group, Named, Single
from .values import Json

Document = Mapping[str, Json]


class _Dropped:
    def __repr__(self) -> str:
        return "DROPPED"


DROPPED: Final = _Dropped()
SECRET: Final = {"secret": True}
"""How a secret shows wherever it shows."""

NOTHING: Document = {}


def marked(document: Document, declaration: Declaration) -> dict[str, Any]:
    """The document with a mark for each leaf that it drops by implication."""
    result = dict(document)
    for setter, dropped in _implications(declaration):
        if document.get(setter) is not None and dropped not in document:
            result[dropped] = DROPPED
    return result


def _implications(declaration: Declaration) -> Iterable[tuple[str, str]]:
    for setting in declaration:
        if isinstance(setting, Single):
            yield from ((setting.name, dropped) for dropped in setting.drops)
        elif isinstance(setting, Group):
            for field in setting.fields:
                yield from ((f"{setting.name}.{field.name}", f"{setting.name}.{dropped}") for dropped in field.drops)


def takes_away(value: Any) -> bool:
    """Whether a value in a marked document is there to take something away."""
    return value is None or value is DROPPED


def fold(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """Two marked documents as one: what the lower sets or takes away, over what is left of the upper."""
    whole = {key for key, value in lower.items() if value is None and "." not in key}
    left = {key: value for key, value in upper.items() if not whole or key.partition(".")[0] not in whole}
    return {**left, **lower}


def settled(folded: Mapping[str, Any]) -> dict[str, Json]:
    """A folded document without its marks: only what is set."""
    return {key: value for key, value in folded.items() if not takes_away(value)}


def removed(document: Document) -> list[str]:
    """Keys that a level's own document takes away, sorted."""
    return sorted(key for key, value in document.items() if value is None)


def masked(value: Json) -> Json:
    """The value as it may be shown."""
    return SECRET if is_secret(value) else value


def is_secret(value: Json) -> bool:
    """Whether a leaf's value stands for a secret."""
    return isinstance(value, dict) and value.keys() == {"secret"}


def nested(document: Document, declaration: Declaration) -> dict[str, Json]:
    """The document as the API shows it: groups and lists of named entries as mappings, secrets masked.

    Where a whole group or list is taken away and own entries are set, the taking away shows as `"*": null` among them.
    """
    result: dict[str, Json] = {}
    for key in sorted(document):
        name, dot, part = key.partition(".")
        value = masked(document[key])
        if not dot:
            result[name] = value
        else:
            inner = result.setdefault(name, {})
            if inner is None:
                inner = result[name] = {"*": None}
            inner[part] = value
    return dict(sorted(result.items(), key=lambda item: _position(item[0], declaration)))


def _position(name: str, declaration: Declaration) -> int:
    return next((place for place, setting in enumerate(declaration) if setting.name == name), 0)


def flattened(shape: Mapping[str, Json], declaration: Declaration) -> dict[str, Json]:
    """A document from its nested shape: the way back from `nested`, where no secret was masked."""
    result: dict[str, Json] = {}
    for name, value in shape.items():
        setting = declaration[name]
        if value is None or isinstance(setting, Single):
            result[name] = value
        elif isinstance(setting, Group | Named):
            for part, inner in value.items():
                result[name if part == "*" else f"{name}.{part}"] = inner
    return result
