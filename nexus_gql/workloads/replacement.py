"""What cannot become what is declared while it is there, and would have to be made anew: fields that Kubernetes keeps as they were
made, and workloads of another kind.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nexus_gql.clusters import Invalid
from nexus_gql.hierarchy import WorkloadKind, read_quantity
from nexus_gql.paths import name

from .manifests import WORKLOADS
from .pod_template import declared_volume
from .rendering import PATH, Manifest

VOLUMES = "PersistentVolumeClaim"
"""What holds data: kept when the rest is made anew, pruned or removed, unless somebody says otherwise."""

REMEDY = "Deploy with recreate: the object is made anew, its pods end first, its volumes stay."
_DATA_REMEDY = (
    "Give the volume another name, so that a new one is made; the old one stays with its data until somebody removes it "
    "(`remove` with deleteVolumes)."
)
_STATEFUL = (
    f"{REMEDY} A STATEFUL_SET has a volume for each pod: those of other kinds are not its own, nor the other way round."
)


class Fixed(Exception):
    """Something would have to be made anew. `settings`: the keys of those that say so, as far as it is known which."""

    def __init__(self, message: str, settings: Sequence[str] = (), remedy: str = REMEDY) -> None:
        super().__init__(message)
        self.settings = tuple(settings)
        self.remedy = remedy


def immutable(error: Invalid) -> bool:
    """Whether an object was refused for a field that cannot be changed while it is there."""
    text = str(error)
    return "field is immutable" in text or "Forbidden: updates to" in text or "is immutable after creation" in text


def fixed(manifest: Manifest, there: Mapping[str, Any], error: Invalid) -> Fixed:
    """The same refusal in words for whoever reads settings; Kubernetes' own follow."""
    settings = [f"volumes.{volume}" for volume in _changed_volumes(manifest, there)]
    what = f"{manifest['kind']} `{manifest['metadata']['name']}`"
    plain = f"{_listed(settings)} cannot change while the {what} is there." if settings else _UNNAMED.format(what=what)
    remedy = _DATA_REMEDY if manifest["kind"] == VOLUMES else REMEDY
    return Fixed(f"{plain} Kubernetes says: {error}", settings, remedy)


_UNNAMED = "The {what} that is there cannot become what is declared."


def _listed(settings: Sequence[str]) -> str:
    return " and ".join(f"`{key}`" for key in settings)


def _changed_volumes(manifest: Manifest, there: Mapping[str, Any]) -> list[str]:
    """The volumes that are declared otherwise than the object has them."""
    if manifest["kind"] == VOLUMES:
        application = name(manifest["metadata"]["annotations"][PATH])
        return [manifest["metadata"]["name"].removeprefix(f"{application}-")]
    if manifest["kind"] != "StatefulSet":
        return []
    wanted, found = _templates(manifest), _templates(there)
    return sorted(declared_volume(one) for one in wanted.keys() | found.keys() if wanted.get(one) != found.get(one))


def _templates(item: Mapping[str, Any]) -> dict[str, tuple[object, object]]:
    """For each claim of a StatefulSet's pods what can be declared of it. Amounts are compared as such: Kubernetes writes them anew."""
    return {
        one["metadata"]["name"]: (
            read_quantity(one["spec"]["resources"]["requests"]["storage"]),
            one["spec"].get("storageClassName"),
        )
        for one in item["spec"].get("volumeClaimTemplates") or ()
    }


def as_another_kind(before: WorkloadKind, after: WorkloadKind) -> Fixed | None:
    """Why what runs as one kind of workload is not simply deployed as another.

    The old one and the new one are two objects with pods of their own. Side by side both would serve, and may want the same volume; so
    the old one goes without waiting until the new one is up, and nothing may serve in between.
    """
    if before is after:
        return None
    message = f"workload: it runs as a {before} and would be made anew as a {after}: what runs ends before the new pods are up."
    stateful = WorkloadKind.STATEFUL_SET in {before, after}
    return Fixed(message, ["workload"], _STATEFUL if stateful else REMEDY)


def refuse_another_kind(there: Iterable[Mapping[str, Any]], manifests: Iterable[Manifest]) -> None:
    """Raise Fixed where an application is there as another kind of workload alone. `there`: its objects as they were read.

    Where both kinds are there, one has begun to take the place of the other already, and goes on.
    """
    after = next(one["kind"] for one in manifests if one["kind"] in WORKLOADS)
    found = [one["kind"] for one in there if one["kind"] in WORKLOADS and not one["metadata"].get("ownerReferences")]
    if found and after not in found and (wrong := as_another_kind(_KINDS[found[0]], _KINDS[after])) is not None:
        raise wrong


_KINDS = {
    "Deployment": WorkloadKind.DEPLOYMENT,
    "StatefulSet": WorkloadKind.STATEFUL_SET,
    "DaemonSet": WorkloadKind.DAEMON_SET,
    "Job": WorkloadKind.JOB,
    "CronJob": WorkloadKind.CRON_JOB,
}
