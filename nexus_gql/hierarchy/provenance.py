"""Effective settings: the fold of the defaults and the documents from the project down, each leaf with where it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from nexus_gql.paths import DEPTHS, Path, depth

from .declaration import Declaration
from .defaults import ApplicationKind, defaults
from .documents import Document, fold, is_secret, marked, masked, nested, settled, takes_away
from .placeholders import names_of, substitute_everywhere
from .values import Json


class OriginKind(StrEnum):
    """Which kind of level set a value; DEFAULT where none did."""

    DEFAULT = "DEFAULT"
    PROJECT = "PROJECT"
    ENVIRONMENT = "ENVIRONMENT"
    NAMESPACE = "NAMESPACE"
    APPLICATION = "APPLICATION"


@dataclass(frozen=True, slots=True)
class Origin:
    """The level that set a value; path None for Nexus's own defaults."""

    path: Path | None

    @property
    def kind(self) -> OriginKind:
        """The kind of that level."""
        return OriginKind.DEFAULT if self.path is None else OriginKind[DEPTHS[depth(self.path) - 1].upper()]


@dataclass(frozen=True, slots=True)
class Resolved:
    """One leaf: its value with placeholders replaced, where it was set, and what it overrode, nearest first.

    An overridden value of None is a level that had taken away what was above it.
    """

    key: str
    value: Json
    origin: Origin
    overrides: tuple[tuple[Origin, Json], ...]

    @property
    def is_secret(self) -> bool:
        """Whether the value is shown masked."""
        return is_secret(self.value)


@dataclass(frozen=True)
class Effective:
    """The settings in force at a level."""

    path: Path
    declaration: Declaration
    layers: tuple[tuple[Origin, Mapping[str, Any]], ...]
    """Marked documents, the defaults first, then from the project down."""

    @cached_property
    def document(self) -> Document:
        """Leaf keys and values, placeholders replaced; secrets are references, not texts."""
        folded: dict[str, Any] = {}
        for _, layer in self.layers:
            folded = fold(folded, layer)
        names = names_of(self.path)
        return {key: substitute_everywhere(value, names) for key, value in settled(folded).items()}

    @cached_property
    def shape(self) -> dict[str, Json]:
        """The document as the API shows it."""
        return nested(self.document, self.declaration)

    def value(self, key: str) -> Resolved | None:
        """One leaf; None where it is not set."""
        if key not in self.document:
            return None
        chain = self._chain(key)
        names = names_of(self.path)
        return Resolved(
            key,
            self.document[key],
            chain[0][0],
            tuple((origin, substitute_everywhere(value, names)) for origin, value in chain[1:]),
        )

    @property
    def values(self) -> list[Resolved]:
        """Every leaf, sorted by key."""
        return [resolved for key in sorted(self.document) if (resolved := self.value(key)) is not None]

    def _chain(self, key: str) -> list[tuple[Origin, Json]]:
        """What each level says of a leaf, nearest first; a level that takes it away says None."""
        whole = key.partition(".")[0]
        chain = []
        for origin, layer in reversed(self.layers):
            if key in layer:
                chain.append((origin, None if takes_away(layer[key]) else layer[key]))
            elif layer.get(whole, ...) is None:
                chain.append((origin, None))
        return chain


@dataclass(frozen=True)
class Frozen:
    """Effective settings as they once were: what a revision keeps. Answers as `Effective` does."""

    path: Path
    declaration: Declaration
    leaves: Mapping[str, Resolved]

    @property
    def document(self) -> Document:
        """Leaf keys and values."""
        return {key: leaf.value for key, leaf in self.leaves.items()}

    @property
    def shape(self) -> dict[str, Json]:
        """The document as the API shows it."""
        return nested(self.document, self.declaration)

    @property
    def values(self) -> list[Resolved]:
        """Every leaf, sorted by key."""
        return [self.leaves[key] for key in sorted(self.leaves)]

    def value(self, key: str) -> Resolved | None:
        """One leaf; None where it was not set."""
        return self.leaves.get(key)

    def with_leaf(self, settings: Effective, key: str) -> "Frozen":
        """The same with one leaf as it is in other settings."""
        leaf = settings.value(key)
        others = {known: value for known, value in self.leaves.items() if known != key}
        return Frozen(self.path, self.declaration, others | ({} if leaf is None else {key: leaf}))


def freeze(settings: "Effective | Frozen") -> dict[str, Json]:
    """Effective settings as JSON to be stored. Secrets are references in it, not texts."""
    return {
        leaf.key: {
            "value": leaf.value,
            "origin": leaf.origin.path,
            "overrides": [[origin.path, value] for origin, value in leaf.overrides],
        }
        for leaf in settings.values
    }


def thaw(path: Path, stored: Mapping[str, Json], declaration: Declaration) -> Frozen:
    """Effective settings from what `freeze` made."""
    return Frozen(
        path,
        declaration,
        {
            key: Resolved(
                key,
                leaf["value"],
                Origin(leaf["origin"]),
                tuple((Origin(where), value) for where, value in leaf["overrides"]),
            )
            for key, leaf in stored.items()
        },
    )


def effective(
    path: Path,
    documents: Sequence[tuple[Path, Document]],
    kind: ApplicationKind | None,
    declaration: Declaration,
) -> Effective:
    """What is in force at a level, from the documents of the project down to it. `kind`: an application's."""
    layers = [(Origin(level), marked(document, declaration)) for level, document in documents]
    folded: dict[str, Any] = {}
    for _, layer in layers:
        folded = fold(folded, layer)
    return Effective(path, declaration, ((Origin(None), defaults(kind, folded)), *layers))


def masked_overrides(resolved: Resolved) -> list[tuple[Origin, Json]]:
    """What a leaf overrode, as it may be shown."""
    return [(origin, masked(value)) for origin, value in resolved.overrides]
