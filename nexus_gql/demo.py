"""The demo's project: an OR-like one, declared once, on the KinD cluster that the Docker engine has."""

from typing import Any

from nexus_gql.access import LOCAL_VIEWER
from nexus_gql.clusters import Cluster, ClusterKind, Discovered, Fleet, Target, discover, register_or_take
from nexus_gql.hierarchy import ApplicationKind, Concern, NewLevel, Stage, create
from nexus_gql.paths import Path
from nexus_gql.problems import Refused, Unreachable
from nexus_gql.schema import Rooms

PROJECT = Path("or")
LOCAL = Path("or/local")

_NO_CLUSTER = (
    "No KinD cluster was found on the Docker engine, so nothing can be deployed yet; settings can be tried all the same. "
    "`kind create cluster` makes one; then start the demo again."
)

_NAMESPACES = {"models": ("Models", Concern.MDK), "ddk": ("Data servers", Concern.DDK), "web": ("Web", Concern.FDK)}

_HTTP_PROBE = {"readiness": {"httpPath": "/healthz", "period": "2s"}}
_MODEL = {"image": {"repository": "or-demo/model", "tag": "1.0"}, "probes": _HTTP_PROBE}
_SERVICE = {"image": {"repository": "or-demo/service", "tag": "1.0"}, "probes": _HTTP_PROBE}


def _service_variable(name: str, ref: str) -> dict[str, Any]:
    return {"name": name, "value": {"service": {"ref": ref}}}


_APPLICATIONS: dict[str, tuple[str, ApplicationKind, dict[str, Any]]] = {
    "models/churn": (
        "Customer churn",
        ApplicationKind.MODEL,
        {**_MODEL, "env": [_service_variable("FEATURES_URL", "ddk/features")]},
    ),
    "models/demand": (
        "Demand forecast",
        ApplicationKind.MODEL,
        {**_MODEL, "env": [_service_variable("SALES_URL", "ddk/sales"), _service_variable("CHURN_URL", "churn")]},
    ),
    "ddk/features": ("Feature server", ApplicationKind.DATA_SERVER, _SERVICE),
    "ddk/sales": ("Sales data", ApplicationKind.DATA_SERVER, _SERVICE),
    "web/portal": (
        "Portal",
        ApplicationKind.SERVICE,
        {**_SERVICE, "env": [_service_variable("DEMAND_URL", "models/demand")]},
    ),
}


async def prepare(rooms: Rooms, say: Any) -> None:
    """Declare the project where it is not, on the KinD cluster that is found."""
    cluster = await _cluster(rooms.fleet, say)
    await rooms.hierarchy.current()
    if PROJECT in rooms.hierarchy.latest.levels:
        say(f"The project `{PROJECT}` is there from before.")
        return
    await _make(
        rooms,
        NewLevel(
            parent=None,
            name="or",
            display_name="Optimal Reality",
            settings={
                "env": [{"name": "LOG_LEVEL", "value": {"text": "info"}}],
                "image": {"pullPolicy": "IfNotPresent"},
            },
        ),
    )
    await _make(
        rooms,
        NewLevel(
            parent=PROJECT,
            name="local",
            display_name="Local",
            stage=Stage.LOCAL,
            cluster_id=None if cluster is None else str(cluster.id),
        ),
    )
    for name, (display_name, concern) in _NAMESPACES.items():
        await _make(rooms, NewLevel(parent=LOCAL, name=name, display_name=display_name, concern=concern))
    for place, (display_name, kind, settings) in _APPLICATIONS.items():
        namespace, _, name = place.partition("/")
        parent = Path(f"{LOCAL}/{namespace}")
        await _make(rooms, NewLevel(parent=parent, name=name, display_name=display_name, kind=kind, settings=settings))
    say(f"The project `{PROJECT}` was declared, with {len(_APPLICATIONS)} applications; none is deployed yet.")


async def _make(rooms: Rooms, new: NewLevel) -> None:
    await create(rooms.hierarchy, rooms.vault, LOCAL_VIEWER, new)


async def _cluster(fleet: Fleet, say: Any) -> Cluster | None:
    """The first KinD cluster that runs, registered."""
    try:
        found = [one for one in await discover(fleet) if _runs(one)]
    except Unreachable as error:
        say(f"{error}\n{_NO_CLUSTER}")
        return None
    if not found:
        say(_NO_CLUSTER)
        return None
    if len(found) > 1:
        say(f"There are several KinD clusters ({', '.join(one.name for one in found)}); the demo takes the first.")
    try:
        row = await register_or_take(fleet, found[0].name, Target(ClusterKind.KIND, name=found[0].name))
    except Refused as refused:
        say(f"The KinD cluster `{found[0].name}` cannot be used: {refused}")
        return None
    say(f"The KinD cluster `{row.name}` is the project's local environment.")
    return row


def _runs(one: Discovered) -> bool:
    return one.kind is ClusterKind.KIND and one.detail.endswith("running")
