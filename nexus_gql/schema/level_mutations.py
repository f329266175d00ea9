"""Changes of levels: making, copying, changing, deleting and configuring them."""

from dataclasses import replace
from typing import Any

import strawberry

from nexus_gql.access import Role, require, require_role
from nexus_gql.clusters import Cluster, only_kind, register_or_take
from nexus_gql.hierarchy import (
    ApplicationKind,
    Concern,
    Created,
    LevelChange,
    NewLevel,
    Stage,
    check_clone,
    check_new,
    clone,
    configure,
    create,
    refuse_closed,
)
from nexus_gql.hierarchy import update as update_level
from nexus_gql.paths import Path, parent
from nexus_gql.problems import Problem, ProblemCode, Refused

from .application import ApplicationType, level_type
from .clusters import sees_cluster, target_of
from .context import Context, Info
from .impact import impact_of_settings
from .level_inputs import (
    CreateApplicationInput,
    CreateEnvironmentInput,
    CreateNamespaceInput,
    CreateProjectInput,
    UpdateLevelInput,
)
from .levels import EnvironmentType, Level, NamespaceType, ProjectType
from .operation_mutations import DeletePayload, OperationOptions, deleted
from .payloads import MissingSecret, ProblemType, answered, not_made, nothing_done, problems_of, was_done
from .settings import SettingsPatch, patch_shape
from .topology import Impact


@strawberry.type(description="What became of a project.")
class ProjectPayload:
    project: ProjectType | None = not_made()
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="What became of an environment.")
class EnvironmentPayload:
    environment: EnvironmentType | None = not_made()
    missing_secrets: list[MissingSecret] = strawberry.field(
        default_factory=list, description="Left out of a copy, still to be set; by path and key."
    )
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="What became of a namespace.")
class NamespacePayload:
    namespace: NamespaceType | None = not_made()
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="What became of an application.")
class ApplicationPayload:
    application: ApplicationType | None = not_made()
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="What became of a level.")
class LevelPayload:
    level: Level | None = not_made()
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type(description="What a change of settings did, or would do.")
class ConfigurePayload:
    level: Level | None = strawberry.field(
        default=None, description="The level after the change; as it is, for a dry run."
    )
    changed: list[str] = strawberry.field(default_factory=list, description="Leaf keys that changed.")
    affected: list[ApplicationType] = strawberry.field(
        default_factory=list, description="Applications whose effective settings changed by it."
    )
    impact: Impact | None = strawberry.field(
        default=None,
        description="Where it leaves applications without pods: whom that takes with it, once they are deployed.",
    )
    problems: list[ProblemType] = nothing_done()
    warnings: list[ProblemType] = was_done()


@strawberry.type
class LevelMutations:
    """Of levels."""

    @strawberry.mutation(description="Make a project. Needs ADMIN everywhere.")
    async def create_project(self, info: Info, input: CreateProjectInput) -> ProjectPayload:  # noqa: A002
        async def work() -> ProjectPayload:
            require(info.context.viewer, "createProject", None, "input")
            made = await _created(info.context, _new(input, None))
            return ProjectPayload(
                project=ProjectType.of(_latest(info), made.level), warnings=problems_of(made.warnings)
            )

        return await answered(ProjectPayload, work())

    @strawberry.mutation(description="Make an environment in a project. Needs ADMIN there.")
    async def create_environment(self, info: Info, input: CreateEnvironmentInput) -> EnvironmentPayload:  # noqa: A002
        return await answered(EnvironmentPayload, _create_environment(info.context, input))

    @strawberry.mutation(
        description="Copy an environment under another name, with all its levels and settings. Secrets are left out: see "
        "`missingSecrets`. References into the source lead into the copy, and its Kubernetes namespaces get names of their own. "
        "cluster: the name of a registered one; without it the source's, and where a LOCAL one has none, the only KinD cluster of "
        "the Docker engine. Nothing is deployed. Needs ADMIN at the project."
    )
    async def clone_environment(
        self, info: Info, path: Path, name: str, cluster: str | None = None
    ) -> EnvironmentPayload:
        return await answered(EnvironmentPayload, _clone_environment(info.context, path, name, cluster))

    @strawberry.mutation(description="Make a namespace in an environment. Needs DEPLOYER there.")
    async def create_namespace(self, info: Info, input: CreateNamespaceInput) -> NamespacePayload:  # noqa: A002
        async def work() -> NamespacePayload:
            require(info.context.viewer, "createNamespace", input.environment, "input", "environment")
            new = _new(
                input,
                input.environment,
                concern=input.concern or Concern.OTHER,
                kubernetes_name=input.kubernetes_name,
            )
            made = await _created(info.context, new)
            return NamespacePayload(
                namespace=NamespaceType.of(_latest(info), made.level), warnings=problems_of(made.warnings)
            )

        return await answered(NamespacePayload, work())

    @strawberry.mutation(
        description="Declare an application in a namespace; `deploy` makes it run. Needs DEPLOYER there."
    )
    async def create_application(self, info: Info, input: CreateApplicationInput) -> ApplicationPayload:  # noqa: A002
        async def work() -> ApplicationPayload:
            require(info.context.viewer, "createApplication", input.namespace, "input", "namespace")
            new = _new(input, input.namespace, kind=input.kind or ApplicationKind.SERVICE)
            made = await _created(info.context, new)
            return ApplicationPayload(
                application=ApplicationType.of(_latest(info), made.level), warnings=problems_of(made.warnings)
            )

        return await answered(ApplicationPayload, work())

    @strawberry.mutation(
        description="Change what is not settings: names, description, stage, cluster, concern, kind. Needs DEPLOYER there; stage "
        "and cluster need ADMIN."
    )
    async def update_level(
        self,
        info: Info,
        path: Path,
        input: UpdateLevelInput,  # noqa: A002
        expected_version: int | None = None,
    ) -> LevelPayload:
        async def work() -> LevelPayload:
            context = info.context
            require(context.viewer, "updateLevel", path, "path")
            change = LevelChange(fields=_fields(context, input))
            level = await update_level(context.rooms.hierarchy, context.viewer, path, change, expected_version)
            return LevelPayload(level=level_type(_latest(info), level))

        return await answered(LevelPayload, work())

    @strawberry.mutation(
        description="Delete a level and everything below it. Refused (IN_USE) while something of it is deployed, unless remove: "
        "then that is taken off its cluster first, by an operation, with its volumes where deleteVolumes is said. Should that operation "
        "fail because the cluster does not answer (ClusterUnreachable), then for a day after it `deleteLevel` without remove is "
        "accepted as well. It deletes the declarations alone: what runs on the cluster stays there, and the warnings name it. Needs DEPLOYER at the level above; ADMIN everywhere for a project."
    )
    async def delete_level(
        self,
        info: Info,
        path: Path,
        remove: bool | None = False,
        delete_volumes: bool | None = False,
        options: OperationOptions | None = None,
    ) -> DeletePayload:
        return await answered(
            DeletePayload,
            deleted(info.context, path, options, running=bool(remove), volumes=bool(delete_volumes)),
        )

    @strawberry.mutation(
        description="Change one level's settings. Nothing on a cluster changes until something is deployed. dryRun: say what "
        "would change, and change nothing. Needs DEPLOYER there."
    )
    async def configure(
        self,
        info: Info,
        path: Path,
        patch: SettingsPatch,
        expected_version: int | None = None,
        dry_run: bool | None = False,
    ) -> ConfigurePayload:
        async def work() -> ConfigurePayload:
            rooms, viewer = info.context.rooms, info.context.viewer
            require(viewer, "configure", path, "path")
            done = await configure(
                rooms.hierarchy,
                rooms.vault,
                viewer,
                path,
                patch_shape(patch),
                expected_version=expected_version,
                dry_run=bool(dry_run),
            )
            now = _latest(info)
            shown = now if dry_run else done.catalogue
            return ConfigurePayload(
                level=level_type(now, now.levels[path]),
                changed=done.changed,
                affected=[ApplicationType.of(shown, one) for one in done.affected if viewer.scope.sees(one.path)],
                impact=await impact_of_settings(info.context, done, dry_run=bool(dry_run)),
                warnings=problems_of(done.warnings),
            )

        return await answered(ConfigurePayload, work())


def _latest(info: Info) -> Any:
    return info.context.rooms.hierarchy.latest


async def _created(context: Context, new: NewLevel) -> Created:
    """A new level, refusals and warnings seen from the mutation's `input`."""
    try:
        made = await create(context.rooms.hierarchy, context.rooms.vault, context.viewer, new)
    except Refused as refused:
        raise refused.under("input") from refused
    return replace(made, warnings=[warning.under("input") for warning in made.warnings])


def _new(given: Any, parent: Path | None, **others: Any) -> NewLevel:
    return NewLevel(
        parent=parent,
        name=given.name,
        display_name=given.display_name,
        description=given.description,
        settings=patch_shape(given.settings),
        **others,
    )


async def _create_environment(context: Context, given: CreateEnvironmentInput) -> EnvironmentPayload:
    hierarchy = context.rooms.hierarchy
    require(context.viewer, "createEnvironment", given.project, "input", "project")
    stage = given.stage or Stage.DEVELOPMENT
    plain = _new(given, given.project, stage=stage)
    try:
        # Before a cluster is registered for it, so that a wrong name leaves nothing behind.
        check_new(await hierarchy.current(), context.viewer, plain)
        await refuse_closed(hierarchy, given.project, "project")
    except Refused as refused:
        raise refused.under("input") from refused
    cluster = await _cluster_for(context, given, stage)
    new = _new(given, given.project, stage=stage, cluster_id=None if cluster is None else str(cluster.id))
    made = await _created(context, new)
    warnings = made.warnings + _without_cluster(stage, new.cluster_id, "input", "cluster")
    return EnvironmentPayload(
        environment=EnvironmentType.of(hierarchy.latest, made.level), warnings=problems_of(warnings)
    )


async def _clone_environment(context: Context, source: Path, name: str, cluster_name: str | None) -> EnvironmentPayload:
    hierarchy, viewer = context.rooms.hierarchy, context.viewer
    require(viewer, "cloneEnvironment", source, "path")
    named = None if cluster_name is None else str(_named(context, cluster_name, "cluster").id)
    # Before a cluster is registered for it, so that a wrong name leaves nothing behind.
    level = check_clone(await hierarchy.current(), viewer, source, name, named)
    await refuse_closed(hierarchy, parent(source), "path")
    cluster_id = named or level.cluster_id
    if cluster_id is None and level.stage is Stage.LOCAL and (found := await _only_kind(context, name)) is not None:
        cluster_id = str(found.id)
    done = await clone(hierarchy, viewer, source, name, cluster_id)
    return EnvironmentPayload(
        environment=EnvironmentType.of(hierarchy.latest, done.environment),
        missing_secrets=[MissingSecret(path=one.path, key=one.key) for one in done.missing],
        warnings=problems_of(_without_cluster(level.stage, cluster_id, "cluster")),
    )


def _without_cluster(stage: Stage, cluster_id: str | None, *argument: str) -> list[Problem]:
    """The warning that a LOCAL environment was made on no cluster, since it did not find one by itself."""
    if stage is not Stage.LOCAL or cluster_id is not None:
        return []
    message = "It has no cluster, so nothing can be deployed there yet: no KinD cluster could be taken for it."
    remedy = (
        "A LOCAL environment takes the only KinD cluster of the Docker engine, which an administrator of everything has to register "
        "where it is not yet. Else register a cluster (`registerCluster`) and give it to the environment (`updateLevel`)."
    )
    return [Problem(ProblemCode.NOT_FOUND, message, argument, remedy)]


async def _cluster_for(context: Context, given: CreateEnvironmentInput, stage: Stage) -> Cluster | None:
    """The cluster that a new environment is to be on: named, connected to, or the only KinD cluster there is."""
    fleet = context.rooms.fleet
    if given.cluster is not None and given.connect is not None:
        raise Refused(Problem(ProblemCode.INVALID, "Give `cluster` or `connect`, not both.", ("input", "connect")))
    if given.cluster is not None:
        return _named(context, given.cluster, "input", "cluster")
    if given.connect is not None:
        require_role(context.viewer, Role.ADMIN, None, "input", "connect")
        try:
            target = target_of(given.connect)
            return await register_or_take(fleet, target.name or given.name, target)
        except Refused as refused:
            raise Refused(_connecting(problem) for problem in refused.problems) from refused
    return await _only_kind(context, given.name) if stage is Stage.LOCAL else None


async def _only_kind(context: Context, name: str) -> Cluster | None:
    """The only KinD cluster of the Docker engine, which is registered where that is the viewer's to do."""
    fleet = context.rooms.fleet
    target_found = await only_kind(fleet)
    if target_found is None:
        return None
    known = [row for row in fleet.rows() if row.kind == "KIND" and row.target.get("name") == target_found.name]
    if known:
        return known[0]
    if context.viewer.scope.role(None) < Role.ADMIN:
        return None
    return await register_or_take(fleet, target_found.name or name, target_found)


def _connecting(problem: Problem) -> Problem:
    """A problem of a registration, seen from the `connect` of the input that asked for it."""
    inside = problem.path[1:] if problem.path[:1] == ("input",) else ()
    return Problem(problem.code, problem.message, ("input", "connect", *inside), problem.remedy)


def _named(context: Context, name: str, *argument: str) -> Cluster:
    row = context.rooms.fleet.named(name)
    if row is None:
        there = (row.name for row in context.rooms.fleet.rows() if sees_cluster(context, str(row.id)))
        message = f"No cluster `{name}` is registered (there: {', '.join(there) or 'none'})."
        raise Refused(Problem(ProblemCode.NOT_FOUND, message, argument, "Register it first (`registerCluster`)."))
    return row


_FIELDS = {
    "displayName": "display_name",
    "description": "description",
    "stage": "stage",
    "cluster": "cluster",
    "concern": "concern",
    "kind": "kind",
}


def _fields(context: Context, given: UpdateLevelInput) -> dict[str, Any]:
    """What an input says, by the contract's names; a cluster by its id."""
    found = {name: getattr(given, attribute) for name, attribute in _FIELDS.items()}
    found = {name: value for name, value in found.items() if value is not strawberry.UNSET}
    if found.get("cluster") is not None:
        found["cluster"] = str(_named(context, found["cluster"], "input", "cluster").id)
    return found
