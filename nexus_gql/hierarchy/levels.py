"""Making, changing and deleting levels: what is not settings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

from nexus_gql import clock, paths
from nexus_gql.access import Role, Viewer, not_found, require_role
from nexus_gql.database import next_change, storable, transactional
from nexus_gql.paths import DEPTHS, Path
from nexus_gql.problems import Problem, ProblemCode, Refused
from nexus_gql.vault import Secret, Vault

from . import models
from .catalogue import Application, Catalogue, Concern, Environment, Level, Namespace, Project, Stage
from .configuring import checked_patch, inconsistency_problems, missing_references, oversize, store_secrets
from .current import Hierarchy
from .defaults import ApplicationKind
from .documents import NOTHING
from .patches import Patch, apply
from .provenance import effective
from .settings import SETTINGS
from .versions import level_at

_NAME_LIMIT = 255
_DESCRIPTION_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLevel:
    """What makes a level: the settings shaped as in the API, and what its kind has besides."""

    parent: Path | None
    name: str
    display_name: str | None = None
    description: str | None = None
    settings: Mapping[str, Any] | None = None
    stage: Stage | None = None
    cluster_id: str | None = None
    concern: Concern | None = None
    kubernetes_name: str | None = None
    kind: ApplicationKind | None = None

    @property
    def what(self) -> str:
        """Which of the four it is, told by what only that one has."""
        if self.kind is not None:
            return "application"
        if self.concern is not None:
            return "namespace"
        return "project" if self.stage is None else "environment"

    @property
    def path(self) -> Path:
        """Where it will be."""
        return paths.child(self.parent, self.name) if self.parent else Path(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """What becomes different; a key that is absent stays as it is."""

    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Created:
    """A new level, and warnings of what its settings refer to."""

    level: Level
    warnings: list[Problem]


async def create(hierarchy: Hierarchy, vault: Vault, viewer: Viewer, new: NewLevel) -> Created:
    """A new level, or Refused; paths count from the mutation's `input`."""
    patch = await _create(hierarchy, vault, viewer, new)
    catalogue = await hierarchy.current()
    warnings = missing_references(catalogue, viewer, catalogue.applications(new.path), patch, "settings")
    return Created(catalogue.levels[new.path], warnings)


@transactional
async def _create(hierarchy: Hierarchy, vault: Vault, viewer: Viewer, new: NewLevel) -> Patch:
    number = await next_change()
    catalogue = await hierarchy.locked(number)
    patch = check_new(catalogue, viewer, new)
    await refuse_closed(hierarchy, new.parent, DEPTHS[DEPTHS.index(new.what) - 1])
    level_id, now = uuid4(), clock.now()
    document = apply(NOTHING, patch, SETTINGS)
    await models.Level.create(
        id=level_id,
        path=new.path,
        display_name=new.display_name or new.name,
        description=new.description,
        document=document,
        change=number,
        created_at=now,
        updated_at=now,
        stage=new.stage,
        cluster_id=_cluster_of(catalogue, new),
        concern=new.concern,
        kubernetes_name=_kubernetes_name(new),
        kind=new.kind,
    )
    await store_secrets(vault, viewer, level_id, document, patch, now)
    return patch


def check_new(catalogue: Catalogue, viewer: Viewer, new: NewLevel) -> Patch:
    """The settings of a new level as a patch; Refused where the level cannot be made."""
    problems: list[Problem] = []
    what = new.what
    if new.parent is not None and catalogue.get(_PARENTS[what], new.parent) is None:
        raise Refused(_no_parent(catalogue, viewer, new.parent, DEPTHS[DEPTHS.index(what) - 1]))
    if not paths.is_label(new.name):
        remedy = "The display name may be anything."
        message = (
            f"A name is a DNS label: lower-case letters, digits and hyphens, at most 63; {new.name[:80]!r} is not."
        )
        problems.append(Problem(ProblemCode.INVALID, message, ("name",), remedy))
    elif what == "application" and not new.name[0].isalpha():
        message = f"An application's name begins with a letter, since its Service has the same; {new.name!r} does not."
        problems.append(Problem(ProblemCode.INVALID, message, ("name",)))
    elif new.path in catalogue.levels:
        problems.append(Problem(ProblemCode.ALREADY_EXISTS, f"The {what} `{new.path}` is there already.", ("name",)))
    problems += _text_problems({"displayName": new.display_name, "description": new.description})
    problems += kubernetes_name_problems(catalogue, viewer, new)
    patch, wrong = checked_patch(new.settings or {}, "settings")
    problems += wrong
    if not problems:
        problems += [problem.under("settings") for problem in oversize(patch.sets)]
        problems += _inconsistent(catalogue, new, patch)
    if problems:
        raise Refused(problems)
    return patch


def _no_parent(catalogue: Catalogue, viewer: Viewer, parent: Path, wanted: str) -> Problem:
    """The refusal of a place that is not there, or is none for such a level: which is for those who see it to know."""
    problem = not_found(parent, wanted)
    if parent not in catalogue.levels or not viewer.scope.glimpses(parent):
        return problem
    message = f"There is no {wanted} `{parent}`; that is the path of a level of another kind ({DEPTHS[paths.depth(parent) - 1]})."
    return replace(problem, message=message, remedy=f"Give the path of the {wanted} that it is to be in.")


async def refuse_closed(hierarchy: Hierarchy, parent: Path | None, argument: str) -> None:
    """Refuse to make anything below a level where that may not be just now. `argument`: what names the level in the input."""
    if parent is not None and (problem := await hierarchy.closed(parent)) is not None:
        raise Refused(replace(problem, path=(argument,)))


_PARENTS: dict[str, type[Level]] = {"environment": Project, "namespace": Environment, "application": Namespace}


def _inconsistent(catalogue: Catalogue, new: NewLevel, patch: Patch) -> list[Problem]:
    if new.kind is None:
        return []
    documents = [(step, catalogue.levels[step].document) for step in paths.lineage(new.path)[:-1]]
    settings = effective(new.path, [*documents, (new.path, apply(NOTHING, patch, SETTINGS))], new.kind, SETTINGS)
    return [problem.under("settings") for problem in inconsistency_problems(settings, patch)]


def _kubernetes_name(new: NewLevel) -> str | None:
    if new.concern is None:
        return None
    return paths.kubernetes_namespace(new.path) if new.kubernetes_name is None else new.kubernetes_name


def _cluster_of(catalogue: Catalogue, new: NewLevel) -> UUID | None:
    cluster = new.cluster_id
    if new.concern is not None and new.parent is not None:
        environment = catalogue.get(Environment, new.parent)
        cluster = environment.cluster_id if environment else None
    return None if cluster is None else UUID(cluster)


def kubernetes_name_problems(catalogue: Catalogue, viewer: Viewer, new: NewLevel) -> list[Problem]:
    """What is wrong with the name that a new namespace would have on its cluster."""
    name = _kubernetes_name(new)
    if name is None or new.parent is None or not paths.is_label(new.name):
        return []
    at = ("name",) if new.kubernetes_name is None else ("kubernetesName",)
    if not paths.is_label(name):
        return [
            Problem(ProblemCode.INVALID, f"A Kubernetes namespace is named by a DNS label; {name[:80]!r} is none.", at)
        ]
    if name.startswith("kube-"):
        return [Problem(ProblemCode.INVALID, "Namespaces named `kube-…` belong to Kubernetes itself.", at)]
    if new.kubernetes_name is not None and name != paths.kubernetes_namespace(new.path):
        try:
            require_role(viewer, Role.ADMIN, None, *at)
        except Refused as refusal:
            return list(refusal.problems)
    environment = catalogue.get(Environment, new.parent)
    if environment is None:
        return []
    # Two of one environment would meet on whatever cluster it is given.
    siblings = [level for level in catalogue.below(environment.path) if isinstance(level, Namespace)]
    taken = next((level for level in siblings if level.kubernetes_name == name), None)
    if taken is None:
        taken = namespace_named(catalogue, environment.cluster_id, name)
    if taken is not None:
        return [Problem(ProblemCode.ALREADY_EXISTS, name_taken(viewer, taken, "this"), at)]
    return []


def name_taken(viewer: Viewer, holder: Namespace, which: str) -> str:
    """That a namespace has its name on a cluster. Which one that is, is told to those only who may see it."""
    told = f"the namespace `{holder.path}`" if viewer.scope.glimpses(holder.path) else "one that you may not see"
    return f"`{holder.kubernetes_name}` on {which} cluster is taken: it is {told}."


def namespace_named(catalogue: Catalogue, cluster_id: str | None, name: str) -> Namespace | None:
    """The namespace that has a Kubernetes name on a cluster."""
    return namespaces_on(catalogue, cluster_id).get(name)


def namespaces_on(catalogue: Catalogue, cluster_id: str | None) -> dict[str, Namespace]:
    """The namespaces on a cluster by their Kubernetes names."""
    if cluster_id is None:
        return {}
    return {
        level.kubernetes_name: level
        for level in catalogue.below(None)
        if isinstance(level, Namespace) and catalogue.above(Environment, level.path).cluster_id == cluster_id
    }


def _text_problems(texts: Mapping[str, Any]) -> list[Problem]:
    limits = {"displayName": _NAME_LIMIT, "description": _DESCRIPTION_LIMIT}
    problems = []
    for name, limit in limits.items():
        text = texts.get(name)
        if text is not None and (len(text) > limit or not storable(text)):
            problems.append(Problem(ProblemCode.INVALID, f"This is at most {limit} characters, without NUL.", (name,)))
    return problems


# ── changing ──


async def update(
    hierarchy: Hierarchy, viewer: Viewer, path: Path, change: LevelChange, expected_version: int | None
) -> Level:
    """The level after the change, or Refused with paths that count from the mutation's arguments."""
    await _update(hierarchy, viewer, path, change, expected_version)
    return (await hierarchy.current()).levels[path]


@transactional
async def _update(
    hierarchy: Hierarchy, viewer: Viewer, path: Path, change: LevelChange, expected_version: int | None
) -> None:
    number = await next_change()
    catalogue = await hierarchy.locked(number)
    level = level_at(catalogue, path, expected_version)
    columns = _columns(level, catalogue, viewer, change)
    if not columns:
        return
    await models.Level.filter(id=level.id).update(
        **columns, version=level.version + 1, change=number, updated_at=clock.now()
    )
    if "cluster_id" in columns:
        below = [str(namespace.id) for namespace in catalogue.below(path) if isinstance(namespace, Namespace)]
        await models.Level.filter(id__in=below).update(cluster_id=columns["cluster_id"], change=number)


_COLUMNS: dict[str, tuple[str, type[Level]]] = {
    "displayName": ("display_name", Level),
    "description": ("description", Level),
    "stage": ("stage", Environment),
    "cluster": ("cluster_id", Environment),
    "concern": ("concern", Namespace),
    "kind": ("kind", Application),
}


def _columns(level: Level, catalogue: Catalogue, viewer: Viewer, change: LevelChange) -> dict[str, Any]:
    problems = [problem.under("input") for problem in _text_problems(change.fields)]
    columns = {}
    for name, value in change.fields.items():
        column, kind = _COLUMNS[name]
        if not isinstance(level, kind):
            message = f"`{level.path}` is no {kind.__name__.lower()} and has no {name}."
            problems.append(Problem(ProblemCode.INVALID, message, ("input", name)))
            continue
        if name in {"stage", "cluster"}:
            require_role(viewer, Role.ADMIN, level.path, "input", name)
        if not value and name == "displayName":
            columns[column] = paths.name(level.path)
        elif value is None and name not in {"description", "cluster"}:
            problems.append(Problem(ProblemCode.INVALID, f"{name} cannot be null.", ("input", name)))
        elif value != getattr(level, column):
            columns[column] = value
    if "cluster_id" in columns:
        problems += _moving_problems(level, catalogue, viewer, columns["cluster_id"])
    if problems:
        raise Refused(problems)
    return columns


def _moving_problems(level: Level, catalogue: Catalogue, viewer: Viewer, cluster_id: str | None) -> list[Problem]:
    at = ("input", "cluster")
    running = [application for application in catalogue.applications(level.path) if application.deployed]
    if running:
        return [in_use(running, "Its cluster cannot change", *at)]
    problems = []
    there = namespaces_on(catalogue, cluster_id)
    for namespace in catalogue.below(level.path):
        if isinstance(namespace, Namespace):
            taken = there.get(namespace.kubernetes_name)
            if taken is not None:
                problems.append(Problem(ProblemCode.ALREADY_EXISTS, name_taken(viewer, taken, "that"), at))
    return problems


def in_use(running: list[Application], what: str, *argument: str) -> Problem:
    """The refusal of what would pull the ground from under running applications."""
    names = ", ".join(f"`{application.path}`" for application in running[:5])
    more = f" and {len(running) - 5} more" if len(running) > 5 else ""
    verb = "is" if len(running) == 1 else "are"
    return Problem(
        ProblemCode.IN_USE,
        f"{what} while something runs there: {names}{more} {verb} deployed.",
        argument,
        remedy="Remove them from the cluster first (`remove`).",
    )


# ── deleting ──


async def delete(
    hierarchy: Hierarchy,
    path: Path,
    *,
    expected_version: int | None = None,
    dry_run: bool = False,
    left_behind: Collection[Application] = (),
) -> Level:
    """Delete a level and all below it; Refused with IN_USE while anything below may be on a cluster. Answers what it was.

    `left_behind`: applications that go all the same, unless they have changed since they were looked at.
    """
    if dry_run:
        return _deletable(await hierarchy.current(), path, expected_version, left_behind)
    level = await _delete(hierarchy, path, expected_version, left_behind)
    await hierarchy.current()
    return level


@transactional
async def _delete(
    hierarchy: Hierarchy, path: Path, expected_version: int | None, left_behind: Collection[Application]
) -> Level:
    number = await next_change()
    catalogue = await hierarchy.locked(number)
    level = _deletable(catalogue, path, expected_version, left_behind)
    await delete_within(catalogue, level)
    return level


def _deletable(
    catalogue: Catalogue, path: Path, expected_version: int | None, left_behind: Collection[Application]
) -> Level:
    level = level_at(catalogue, path, expected_version)
    running = [one for one in catalogue.applications(path) if one.deployed and one not in left_behind]
    if running:
        problem = in_use(running, f"`{path}` cannot be deleted", "path")
        raise Refused(replace(problem, remedy="Say `remove: true`, or remove them first (`remove`)."))
    return level


async def delete_within(catalogue: Catalogue, level: Level) -> None:
    """Delete a level and all below it, in the transaction that has made sure that nothing runs there."""
    ids = [below.id for below in catalogue.below(level.path)]
    for start in range(0, len(ids), 500):  # SQLite takes a bounded number of parameters
        await Secret.filter(level_id__in=ids[start : start + 500]).delete()
        await models.Level.filter(id__in=ids[start : start + 500]).delete()
