"""Changing a level's settings: checked, applied, and told what it reaches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from nexus_gql import clock, paths
from nexus_gql.access import Viewer
from nexus_gql.database import next_change, transactional
from nexus_gql.paths import Path
from nexus_gql.problems import Problem, ProblemCode, Refused
from nexus_gql.vault import Secret, Vault

from . import models
from .catalogue import Application, Catalogue, Level
from .consistency import Inconsistency, entries, inconsistencies
from .current import Hierarchy
from .documents import Document, is_secret
from .patches import DOCUMENT_LIMIT, Patch, apply, read, size
from .provenance import Effective
from .settings import SETTINGS, Need
from .values import Json
from .versions import level_at

_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class Configured:
    """What a patch did, or would do: the leaf keys that changed, the applications whose effective settings did, and warnings."""

    level: Level
    catalogue: Catalogue
    changed: list[str]
    affected: list[Application]
    warnings: list[Problem]


async def configure(
    hierarchy: Hierarchy,
    vault: Vault,
    viewer: Viewer,
    path: Path,
    shape: Mapping[str, Json],
    *,
    expected_version: int | None = None,
    dry_run: bool = False,
) -> Configured:
    """Change one level's settings; Refused with paths that count from the mutation's arguments (`patch`, …)."""
    patch, problems = checked_patch(shape, "patch")
    if problems:
        raise Refused(problems)
    if dry_run:
        return preview(await hierarchy.current(), viewer, path, patch, expected_version)
    done = await _configure(hierarchy, vault, viewer, path, patch, expected_version)
    await hierarchy.current()
    return done


@transactional
async def _configure(
    hierarchy: Hierarchy, vault: Vault, viewer: Viewer, path: Path, patch: Patch, expected_version: int | None
) -> Configured:
    number = await next_change()
    return await configure_within(
        await hierarchy.locked(number), number, vault, viewer, path, patch, expected_version=expected_version
    )


async def configure_within(
    catalogue: Catalogue,
    number: int,
    vault: Vault,
    viewer: Viewer,
    path: Path,
    patch: Patch,
    *,
    expected_version: int | None = None,
) -> Configured:
    """The same within a transaction of the caller's, which has taken the change number and read the catalogue under its lock."""
    outcome = preview(catalogue, viewer, path, patch, expected_version)
    if outcome.level.document == catalogue.levels[path].document:
        return outcome
    now = clock.now()
    level = replace(outcome.level, change=number, updated_at=now)
    await models.Level.filter(id=level.id).update(
        document=level.document, version=level.version, change=number, updated_at=now
    )
    await store_secrets(vault, viewer, UUID(level.id), level.document, patch, now)
    return replace(outcome, level=level, catalogue=outcome.catalogue.with_changes(number, [level], []))


def checked_patch(shape: Mapping[str, Json], argument: str) -> tuple[Patch, list[Problem]]:
    """The patch that an input spells and what is wrong with it, seen from the argument that it came in."""
    patch, problems = read(shape, SETTINGS)
    return patch, [problem.under(argument) for problem in problems]


def preview(
    catalogue: Catalogue, viewer: Viewer, path: Path, patch: Patch, expected_version: int | None = None
) -> Configured:
    """What a patch would do, in a catalogue of its own; Refused as `configure` would."""
    level = level_at(catalogue, path, expected_version)
    document = apply(level.document, patch, SETTINGS)
    if problems := oversize(document):
        raise Refused(problem.under("patch") for problem in problems)
    if document == level.document:
        reached = catalogue.applications(path)
        return Configured(level, catalogue, [], [], missing_references(catalogue, viewer, reached, patch, "patch"))
    changed_level = replace(level, document=document, version=level.version + 1)
    after = catalogue.with_changes(catalogue.number, [changed_level], [])
    affected = [
        application
        for application in after.applications(path)
        if after.effective(application.path).document != catalogue.effective(application.path).document
    ]
    problems = [
        problem.under("patch")
        for application in affected
        for problem in _new_inconsistencies(catalogue, after, application, patch)
    ]
    if problems:
        raise Refused(problems[:_WARNINGS])
    return Configured(
        changed_level,
        after,
        _changed_keys(level.document, document, catalogue.effective(path), after.effective(path)),
        affected,
        missing_references(after, viewer, affected, patch, "patch"),
    )


def oversize(document: Document) -> list[Problem]:
    """The refusal of a document that holds too much."""
    if size(document) <= DOCUMENT_LIMIT:
        return []
    return [Problem(ProblemCode.LIMIT, f"The settings of one level hold at most {DOCUMENT_LIMIT} bytes of text.")]


def _changed_keys(
    before: Document, after: Document, effective_before: Effective, effective_after: Effective
) -> list[str]:
    own = {key for key in before.keys() | after.keys() if before.get(key, ...) != after.get(key, ...)}
    old, new = effective_before.document, effective_after.document
    seen = {key for key in old.keys() | new.keys() if old.get(key, ...) != new.get(key, ...)}
    return sorted({key for key in own if SETTINGS.key(key).is_leaf} | seen)


def inconsistency_problems(settings: Effective, patch: Patch) -> list[Problem]:
    """What is wrong with an application's effective settings, each at the place in the patch that it came from."""
    return [
        Problem(ProblemCode.INVALID, wrong.fault.message, _place(patch, wrong), wrong.fault.remedy)
        for wrong in inconsistencies(settings.document, SETTINGS)
    ]


def _new_inconsistencies(
    before: Catalogue, after: Catalogue, application: Application, patch: Patch
) -> Iterable[Problem]:
    old = set(inconsistencies(before.effective(application.path).document, SETTINGS))
    for wrong in inconsistencies(after.effective(application.path).document, SETTINGS):
        if wrong not in old:
            message = f"`{application.path}`: {wrong.key}: {wrong.fault.message}"
            yield Problem(ProblemCode.INVALID, message, _place(patch, wrong), wrong.fault.remedy)


def _place(patch: Patch, wrong: Inconsistency) -> tuple[str, ...]:
    """Where in the patch a fault comes from: the leaf itself, or what else has to do with it; the patch where it names neither."""
    if wrong.key in patch.sets:
        return (*patch.where(wrong.key), *wrong.fault.path)
    related = (wrong.key, *wrong.also)
    keys = [*related, *(key.partition(".")[0] for key in related)]
    return next((where for key in keys if (where := patch.where(key))), ())


def missing_references(
    catalogue: Catalogue, viewer: Viewer, applications: Iterable[Application], patch: Patch, argument: str
) -> list[Problem]:
    """A warning for each reference in a patch that leads nowhere yet, seen from an application that it reaches.

    One to what the viewer may not see counts as leading nowhere: else anybody could try whether something is there.
    """
    found: dict[str, Problem] = {}
    for application in applications:
        document = catalogue.effective(application.path).document
        for key, ref, target in references(document, application.path):
            if key in patch.sets and key not in found and not _is_there(catalogue, viewer, target):
                message = f"`{ref}` in {key} of `{application.path}` is an application that does not exist (yet)."
                remedy = (
                    "Create it, or correct the reference, before you deploy. What you may not see counts as not there."
                )
                found[key] = Problem(ProblemCode.MISSING_REFERENCE, message, (argument, *patch.where(key)), remedy)
        if len(found) >= _WARNINGS:
            break
    return list(found.values())


def out_of_sight(catalogue: Catalogue, viewer: Viewer, application: Path, patch: Patch) -> frozenset[str]:
    """The leaves of an application in which a patch refers to what the viewer may not see.

    What others set before them stays as it is: that the viewer is shown as a need of something hidden.
    """
    found = references(catalogue.effective(application).document, application)
    return frozenset(key for key, _, target in found if key in patch.sets and not _is_there(catalogue, viewer, target))


def _is_there(catalogue: Catalogue, viewer: Viewer, target: Path | None) -> bool:
    """Whether a reference leads to an application, as far as a viewer may know."""
    return target is not None and catalogue.get(Application, target) is not None and viewer.scope.sees(target)


def references(document: Document, application: Path) -> list[tuple[str, str, Path | None]]:
    """Each reference in an application's effective settings: the leaf, the text, and the path that it means, if it means one."""
    found: list[tuple[str, str, Path | None]] = []
    for name, value in entries(document, "env").items():
        if isinstance(value, dict) and "service" in value:
            ref = value["service"]["ref"]
            try:
                found.append((f"env.{name}", ref, paths.resolve_reference(ref, application)))
            except paths.MalformedPath:
                found.append((f"env.{name}", ref, None))
    for ref, need in entries(document, "dependsOn").items():
        if need["need"] != Need.IGNORED:
            try:
                found.append((f"dependsOn.{ref}", ref, paths.resolve_reference(ref, application)))
            except paths.MalformedPath:
                found.append((f"dependsOn.{ref}", ref, None))
    return found


async def store_secrets(
    vault: Vault, viewer: Viewer, level_id: UUID, document: Document, patch: Patch, now: datetime
) -> None:
    """Put the patch's secrets into the vault, under the references that the document holds; what it no longer holds goes."""
    held = [value["secret"] for value in document.values() if is_secret(value)]
    new = [patch.sets[key]["secret"] for key in patch.secrets]
    unused = Secret.filter(level_id=level_id)
    if kept := [reference for reference in held if reference not in new]:
        unused = unused.exclude(id__in=kept)
    await unused.delete()
    for key, text in patch.secrets.items():
        reference = patch.sets[key]["secret"]
        await Secret.create(
            id=UUID(reference),
            level_id=level_id,
            key=key,
            ciphertext=vault.encrypt(text, row=reference, column=key),
            set_at=now,
            set_by=viewer.name,
        )
