"""Whom a change would take with it, as the payload of a mutation tells it: of the applications that it leaves without pods.

A dry run is a question, and waits a moment for what has not been read yet; a change is not held up.
"""

from collections.abc import Collection

from nexus_gql.hierarchy import Application, Catalogue, Configured, Document
from nexus_gql.paths import Path
from nexus_gql.topology import application_id
from nexus_gql.workloads import OperationKind, Wanted

from .context import Context
from .topology import Impact, impact_type


async def impact_of_stopping(context: Context, scope: Path, *, dry_run: bool) -> Impact | None:
    """Of all that is declared at or below a level; None where nothing is."""
    catalogue = await context.rooms.hierarchy.current()
    return await _impact(context, catalogue.applications(scope) if scope in catalogue.levels else (), dry_run=dry_run)


async def impact_of_operation(context: Context, wanted: Wanted) -> Impact | None:
    """Of an application that is taken away, or deployed or scaled to nothing."""
    catalogue, path = await context.rooms.hierarchy.current(), wanted.path
    stops = wanted.kind is OperationKind.REMOVE or _deployed_to_nothing(catalogue, wanted)
    return await impact_of_stopping(context, path, dry_run=wanted.options.dry_run) if stops else None


async def impact_of_settings(context: Context, done: Configured, *, dry_run: bool) -> Impact | None:
    """Of the applications that a change of settings declares to be without pods."""
    stopped = [one for one in done.affected if _is_nothing(done.catalogue.effective(one.path).document)]
    return await _impact(context, stopped if "replicas" in done.changed else (), dry_run=dry_run)


def _deployed_to_nothing(catalogue: Catalogue, wanted: Wanted) -> bool:
    patch = wanted.patch or {}
    if "replicas" in patch:
        return bool(patch["replicas"] == 0)
    deploys = wanted.kind is OperationKind.DEPLOY and isinstance(catalogue.levels.get(wanted.path), Application)
    return deploys and _is_nothing(catalogue.effective(wanted.path).document)


def _is_nothing(document: Document) -> bool:
    return document.get("replicas") == 0 and "autoscaling.max" not in document


async def _impact(context: Context, applications: Collection[Application], *, dry_run: bool) -> Impact | None:
    if not applications:
        return None
    if dry_run:
        await context.rooms.topology.settled()
    return impact_type(context, [application_id(one.id) for one in applications])
