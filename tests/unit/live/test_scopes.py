"""Which scopes stand for something else after a change of the hierarchy, and what of the change is kept."""

import gc
import weakref
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.hierarchy import (
    Application,
    ApplicationKind,
    Change,
    Concern,
    Environment,
    Level,
    Namespace,
    Project,
    Stage,
)
from nexus_gql.hierarchy.catalogue import catalogue
from nexus_gql.live import hierarchy_change, select
from nexus_gql.paths import Path

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def level(path: str, id_: str, detail: str, display_name: str = "") -> Level:
    """The level of a path; `detail`: an environment's cluster, a namespace's name on it."""
    given: dict[str, Any] = {
        "id": id_,
        "path": Path(path),
        "display_name": display_name,
        "description": None,
        "document": {},
        "version": 1,
        "change": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    match path.count("/"):
        case 0:
            return Project(**given)
        case 1:
            return Environment(**given, stage=Stage.LOCAL, cluster_id=detail or None)
        case 2:
            return Namespace(**given, concern=Concern.MDK, kubernetes_name=f"{path}-{detail}")
        case _:
            return Application(
                **given, kind=ApplicationKind.MODEL, deployed=True, operation_number=1, revision=1, restarted_at=None
            )


def change(before: list[Level], after: list[Level]) -> Change:
    then, now = catalogue(1, before), catalogue(2, after)
    upserted = [one for one in after if then.levels.get(one.path) != one]
    return Change(then, now, upserted, [one for one in before if one.path not in now.levels])


PATHS = ["or", "or/a", "or/b", "or/a/m", "or/a/n", "or/b/m", "or/a/m/x", "or/a/m/y", "or/b/m/x"]


@st.composite
def hierarchies(draw: st.DrawFn) -> list[Level]:
    """Some of the paths with all that they lie in, under one of two ids, on one of three clusters."""
    found: dict[str, Level] = {}
    for path in PATHS:
        above = path.rpartition("/")[0]
        if (not above or above in found) and draw(st.integers(0, 3)):
            found[path] = level(path, f"{path}-{draw(st.integers(0, 1))}", draw(st.sampled_from(["", "c1", "c2"])))
    return list(found.values())


@given(hierarchies(), hierarchies())
def test_the_scopes_that_are_told_should_be_all_that_stand_for_something_else(
    before: list[Level], after: list[Level]
) -> None:
    what = change(before, after)
    pairs = {Path(path): tuple(select(one, Path(path)) for one in (what.before, what.after)) for path in PATHS}
    moved = {path: then for path, (then, now) in pairs.items() if then != now}
    assert hierarchy_change(what).moved == moved


@pytest.mark.parametrize("path", ["or", "or/a", "or/a/m", "or/a/m/x"])
def test_a_change_of_settings_should_move_no_scope(path: str) -> None:
    levels = [level(one, one, "c1") for one in PATHS]
    after = [level(one, one, "c1", "New" if one == path else "") for one in PATHS]
    assert hierarchy_change(change(levels, after)).moved == {}


def test_a_catalogue_should_be_forgotten_while_its_change_is_kept() -> None:
    # With two whole catalogues each, eight thousand changes of a large installation took a gigabyte.
    levels = [level(one, one, "c1") for one in PATHS]
    what = change(levels, levels[:-1])
    before, kept = weakref.ref(what.before), hierarchy_change(what)
    del what
    gc.collect()
    assert before() is None
    assert [one.id for one in kept.removed] == ["or/b/m/x"]
