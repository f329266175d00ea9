"""In which order applications are taken that need each other: a pure function over who needs whom."""

from collections.abc import Mapping

from nexus_gql.hierarchy import Application, Catalogue, references
from nexus_gql.paths import Path


def needs_among(catalogue: Catalogue, applications: list[Application]) -> dict[Path, set[Path]]:
    """Which of some applications each of them needs, as its settings refer to them."""
    paths = {application.path for application in applications}
    return {
        path: {target for *_, target in references(catalogue.effective(path).document, path) if target in paths}
        - {path}
        for path in paths
    }


def generations(needs: Mapping[Path, set[Path]]) -> list[list[Path]]:
    """Everything in generations, each of which needs only what came before; what needs each other is of one generation."""
    reached = {path: _reached(needs, path) for path in needs}
    left, found = set(needs), []
    while left:
        # Free is what needs nothing that is left but such as needs it in turn.
        free = {path for path in left if all(path in reached[other] for other in reached[path] & left - {path})}
        found.append(sorted(free))
        left -= free
    return found


def _reached(needs: Mapping[Path, set[Path]], start: Path) -> set[Path]:
    found: set[Path] = set()
    ahead = [start]
    while ahead:
        for path in needs[ahead.pop()] - found:
            found.add(path)
            ahead.append(path)
    return found
