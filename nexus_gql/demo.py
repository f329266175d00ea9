"""The example project of `nexus demo`: declared from demo.yaml, deployed once, and left alone from then on."""

import asyncio
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from uuid import UUID

import yaml

from nexus_gql.access import LOCAL_VIEWER
from nexus_gql.clusters import Cluster, ClusterKind, Discovered, Fleet, Target, discover, register_or_take
from nexus_gql.hierarchy import ApplicationKind, Concern, LevelChange, NewLevel, Stage, create, update
from nexus_gql.paths import Path, child, parent
from nexus_gql.problems import Problem, ProblemCode, Refused, Unreachable
from nexus_gql.schema import Rooms
from nexus_gql.workloads import OperationKind, Options, Wanted, find

Say = Callable[[str], None]
Declared = dict[str, Any]

PROJECT = Path("or")

_UNFINISHED = "Is being declared by `nexus demo`."
"""The project's description until all of it is there: a demo that was stopped in between goes on at its next start."""
_DELETION_LIMIT = 180.0
"""Seconds for taking it off its clusters: pods are given their time to end."""


async def begin_anew(rooms: Rooms, say: Say) -> None:
    """Take the project off its clusters, volumes and all, and declare it anew. Raises Refused where it is not the demo's."""
    catalogue = await rooms.hierarchy.current()
    project = catalogue.levels.get(PROJECT)
    if project is not None:
        if project.description not in {_UNFINISHED, _declared()["project"]["description"]}:
            message = f"The project `{PROJECT}` is not the demo's own: its description is another one."
            raise Refused(Problem(ProblemCode.CONFLICT, message, ("path",), "Delete it yourself, if you mean to."))
        say(f"The project `{PROJECT}` is being taken off its clusters.")
        await _delete(rooms)
    await prepare(rooms, say)


async def prepare(rooms: Rooms, say: Say) -> None:
    """Declare and deploy the project, where that was not done to its end before."""
    await rooms.hierarchy.current()
    project = rooms.hierarchy.latest.levels.get(PROJECT)
    if project is not None and project.description != _UNFINISHED:
        say(f"The project `{PROJECT}` is there from before; `nexus demo --reset` makes it anew.")
        return
    declared = _declared()
    clusters = await _clusters(rooms.fleet, declared["environments"], say)
    for new in _levels(declared, clusters):
        if new.path not in rooms.hierarchy.latest.levels:
            await create(rooms.hierarchy, rooms.vault, LOCAL_VIEWER, new)
    applications = [
        application for application in rooms.hierarchy.latest.applications(PROJECT) if not application.operation_number
    ]
    for application in applications:
        wanted = Wanted(OperationKind.DEPLOY, application.path, Options(reason="The demo begins."))
        await rooms.operations.ask(LOCAL_VIEWER, wanted)
    description = declared["project"]["description"]
    await update(
        rooms.hierarchy, LOCAL_VIEWER, PROJECT, LevelChange(fields={"description": description}), expected_version=None
    )
    say(f"The project `{PROJECT}` was declared: {len(applications)} applications are being deployed.")


def _declared() -> Declared:
    declared: Declared = yaml.safe_load(files("nexus_gql").joinpath("demo.yaml").read_text())
    return declared


async def _delete(rooms: Rooms) -> None:
    """Delete the project with all that runs of it, as deleteLevel does; Refused where that does not come to its end."""
    options = Options(reason="The demo begins anew.", delete_volumes=True)
    asked = await rooms.operations.ask_deletion(LOCAL_VIEWER, Wanted(OperationKind.DELETE, PROJECT, options))
    operation = asked.operation
    try:
        async with asyncio.timeout(_DELETION_LIMIT):
            while operation is not None and operation.unfinished:
                position = rooms.operations.feed.position
                operation = await find(UUID(operation.id))
                if operation is not None and operation.unfinished:
                    await rooms.operations.feed.newer(position)
    except TimeoutError:
        pass
    await rooms.hierarchy.current()
    if PROJECT in rooms.hierarchy.latest.levels:
        message = f"The project could not be deleted: {operation.message if operation else 'its operation is gone'}"
        remedy = "Start what it waits for, and try again; or delete the data folder, and what runs by hand."
        raise Refused(Problem(ProblemCode.UNREACHABLE, message, ("path",), remedy))


def _levels(declared: Declared, clusters: dict[str, Cluster]) -> list[NewLevel]:
    """Every level, those above first."""
    project = declared["project"]
    levels = [_new(None, project["name"], project, {}, description=_UNFINISHED)]
    for name, environment in declared["environments"].items():
        stage, cluster_id = Stage[environment["stage"]], str(clusters[name].id)
        levels.append(_new(PROJECT, name, environment, declared, stage=stage, cluster_id=cluster_id))
        above = child(PROJECT, name)
        for place, namespace in declared["namespaces"].items():
            levels.append(_new(above, place, namespace, declared, concern=Concern[namespace["concern"]]))
        for place, application in declared["applications"].items():
            at = Path(f"{above}/{place}")
            kind = ApplicationKind[application.get("kind", "SERVICE")]
            levels.append(_new(parent(at), place.partition("/")[2], application, declared, kind=kind))
    return levels


def _new(above: Path | None, name: str, declared: Declared, whole: Declared, **more: Any) -> NewLevel:
    path = name if above is None else child(above, name)
    override = whole.get("overrides", {}).get(path.removeprefix(f"{PROJECT}/"), {})
    texts = {"description": declared.get("description")} | more
    return NewLevel(
        parent=above,
        name=name,
        display_name=declared["displayName"],
        settings={**declared.get("settings", {}), **override},
        **texts,
    )


async def _clusters(fleet: Fleet, environments: Declared, say: Say) -> dict[str, Cluster]:
    """A cluster for each environment: for the local one a KinD cluster where one runs, else sandboxes."""
    found = {"local": row} if (row := await _kind(fleet, say)) is not None else {}
    names = [name for name in environments if name not in found]
    found |= zip(names, await asyncio.gather(*(_sandbox(fleet, f"{PROJECT}-{name}") for name in names)), strict=True)
    told = ", ".join(f"`{name}` on the {_WORDS[found[name].kind]} `{found[name].name}`" for name in environments)
    say(f"Environments: {told}.")
    return found


_WORDS: dict[str, str] = {ClusterKind.KIND: "KinD cluster", ClusterKind.SANDBOX: "sandbox"}


async def _sandbox(fleet: Fleet, name: str) -> Cluster:
    """The cluster of that name where it is registered from before: another sandbox would be another cluster."""
    return fleet.named(name) or await register_or_take(fleet, name, Target(ClusterKind.SANDBOX))


async def _kind(fleet: Fleet, say: Say) -> Cluster | None:
    """The first KinD cluster of the Docker engine that runs, registered; None where there is none, or it does not answer."""
    try:
        running = [one for one in await discover(fleet) if _runs(one)]
    except Unreachable:
        return None
    if not running:
        return None
    if len(running) > 1:
        say(f"There are several KinD clusters ({', '.join(one.name for one in running)}); the demo takes the first.")
    try:
        return await register_or_take(fleet, running[0].name, Target(ClusterKind.KIND, name=running[0].name))
    except Refused as refused:
        say(f"The KinD cluster `{running[0].name}` cannot be used, so a sandbox takes its place: {refused}")
        return None


def _runs(one: Discovered) -> bool:
    return one.kind is ClusterKind.KIND and one.detail.endswith("running")
