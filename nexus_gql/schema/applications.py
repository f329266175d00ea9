"""Lists of applications: filtered, and in pages."""

from collections.abc import Sequence

import strawberry

from nexus_gql.hierarchy import Application, ApplicationKind, Catalogue, Concern, Environment, Namespace
from nexus_gql.live import Health
from nexus_gql.paths import Path

from .application import ApplicationType
from .context import Context
from .levels import visible_applications
from .paging import PageInfo, cursor, page_of, page_size
from .workflows import is_ready


@strawberry.input(description="Which applications. All that is given must hold.")
class ApplicationFilter:
    text: str | None = strawberry.field(default=None, description="Part of the path or the display name.")
    kinds: list[ApplicationKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    concerns: list[Concern] | None = strawberry.field(
        default=None, description="In a namespace of one of these concerns."
    )
    health: list[Health] | None = strawberry.field(default=None, description="In one of these states.")
    ready: bool | None = strawberry.field(default=None, description="Whether a workflow may call it now.")
    outdated: bool | None = strawberry.field(
        default=None, description="Whether its effective settings differ from what is deployed."
    )


def _declared_so(wanted: ApplicationFilter, catalogue: Catalogue, application: Application) -> bool:
    """Whether an application is wanted, as far as the hierarchy tells."""
    text = (wanted.text or "").casefold()
    if text not in application.path and text not in application.display_name.casefold():
        return False
    if wanted.kinds is not None and application.kind not in wanted.kinds:
        return False
    return wanted.concerns is None or catalogue.above(Namespace, application.path).concern in wanted.concerns


async def _filtered(
    context: Context,
    catalogue: Catalogue,
    wanted: ApplicationFilter,
    found: Sequence[Application],
) -> list[Application]:
    """What costs least is asked first: names, then states, then what is deployed."""
    left = [application for application in found if _declared_so(wanted, catalogue, application)]
    if wanted.health is not None or wanted.ready is not None:
        await _read(context, catalogue, left)
    if wanted.ready is not None:
        left = [application for application in left if is_ready(context, application) is wanted.ready]
    if wanted.health is not None:
        known = context.rooms.live.applications.known
        left = [application for application in left if known(application).state.verdict.status in wanted.health]
    if wanted.outdated is not None:
        deployed = [application for application in left if application.revision is not None]
        settings = await context.deployed.load_many([application.id for application in deployed])
        outdated = {
            application.id
            for application, frozen in zip(deployed, settings, strict=True)
            if frozen is not None and frozen != catalogue.effective(application.path).document
        }
        left = [application for application in left if (application.id in outdated) is wanted.outdated]
    return left


async def _read(context: Context, catalogue: Catalogue, applications: Sequence[Application]) -> None:
    """Wait, a moment, for the clusters that have not been read yet: what is on them would pass for UNKNOWN."""
    deployed = (application for application in applications if application.deployed)
    clusters = {catalogue.above(Environment, application.path).cluster_id for application in deployed}
    # Which waits for the clusters as well.
    await context.rooms.topology.settled([one for one in clusters if one is not None])


@strawberry.type(description="An application and its place in the list.")
class ApplicationEdge:
    cursor: str
    node: ApplicationType


@strawberry.type(description="Applications, by path.")
class ApplicationConnection:
    edges: list[ApplicationEdge]
    nodes: list[ApplicationType]
    page_info: PageInfo
    total_count: int = strawberry.field(description="How many there are in all, filtered, that you may see.")


_KIND = "applications"


async def application_page(
    context: Context,
    catalogue: Catalogue,
    scope: Path | None,
    wanted: ApplicationFilter | None,
    first: int | None,
    after: str | None,
) -> ApplicationConnection:
    """A page of the applications at or below a level."""
    size = page_size(first, 50)
    items = visible_applications(context, catalogue, scope)
    if wanted is not None:
        items = await _filtered(context, catalogue, wanted, items)
    page, info = page_of(items, _KIND, _place, list[str], first=size, after=after)
    nodes = [ApplicationType.of(catalogue, application) for application in page]
    return ApplicationConnection(
        edges=[
            ApplicationEdge(cursor=cursor(_KIND, _place(application)), node=node)
            for application, node in zip(page, nodes, strict=True)
        ],
        nodes=nodes,
        page_info=info,
        total_count=len(items),
    )


def _place(application: Application) -> list[str]:
    return application.path.split("/")
