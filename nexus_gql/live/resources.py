"""The kinds that are watched: where the apiserver has them, and what we keep of them."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from .objects import (
    Autoscaler,
    Claim,
    ConfigMap,
    CronJob,
    DaemonSet,
    Deployment,
    EndpointSlice,
    Event,
    Ingress,
    IngressClass,
    Job,
    KubernetesNamespace,
    Node,
    Observed,
    Pod,
    ReplicaSet,
    Service,
    Slim,
    StatefulSet,
)

T = TypeVar("T", bound=Observed)


class ListMeta(Slim, frozen=True):
    """A list's own metadata. `continue_` asks for the next page."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    items: list[T] | None
    metadata: ListMeta = ListMeta()


class WatchLine(msgspec.Struct, frozen=True):
    """One line of a watch, its object not yet decoded."""

    type: str
    object: msgspec.Raw


class _Version(Slim, frozen=True):
    resource_version: str = ""


class _Marked(Slim, frozen=True):
    metadata: _Version = _Version()


_line = msgspec.json.Decoder(WatchLine)
_mark = msgspec.json.Decoder(_Marked)


@dataclass(frozen=True)
class Resource(Generic[T]):
    """A kind: its path and its struct."""

    kind: str
    prefix: str
    plural: str
    struct: type[T]
    namespaced: bool = True
    _page: "msgspec.json.Decoder[Page[T]]" = field(init=False, repr=False)
    _object: "msgspec.json.Decoder[T]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_page", msgspec.json.Decoder(Page[self.struct]))  # type: ignore[name-defined]
        object.__setattr__(self, "_object", msgspec.json.Decoder(self.struct))

    def path(self, namespace: str | None) -> str:
        """Where its objects are: of one namespace, or of all."""
        return f"{self.prefix}/namespaces/{namespace}/{self.plural}" if namespace else f"{self.prefix}/{self.plural}"

    def page(self, body: bytes) -> Page[T]:
        """A page of a list."""
        return self._page.decode(body)

    def decoded(self, raw: msgspec.Raw | bytes) -> T:
        """One object."""
        return self._object.decode(raw)


def watch_line(line: bytes) -> WatchLine:
    """The type of a watch's line, and its object undecoded."""
    return _line.decode(line)


def version_of(raw: msgspec.Raw) -> str:
    """The resource version in a bookmark."""
    return _mark.decode(raw).metadata.resource_version


PODS = Resource("Pod", "/api/v1", "pods", Pod)
DEPLOYMENTS = Resource("Deployment", "/apis/apps/v1", "deployments", Deployment)
REPLICA_SETS = Resource("ReplicaSet", "/apis/apps/v1", "replicasets", ReplicaSet)
STATEFUL_SETS = Resource("StatefulSet", "/apis/apps/v1", "statefulsets", StatefulSet)
DAEMON_SETS = Resource("DaemonSet", "/apis/apps/v1", "daemonsets", DaemonSet)
JOBS = Resource("Job", "/apis/batch/v1", "jobs", Job)
CRON_JOBS = Resource("CronJob", "/apis/batch/v1", "cronjobs", CronJob)
CLAIMS = Resource("PersistentVolumeClaim", "/api/v1", "persistentvolumeclaims", Claim)
INGRESSES = Resource("Ingress", "/apis/networking.k8s.io/v1", "ingresses", Ingress)
INGRESS_CLASSES = Resource(
    "IngressClass", "/apis/networking.k8s.io/v1", "ingressclasses", IngressClass, namespaced=False
)
AUTOSCALERS = Resource("HorizontalPodAutoscaler", "/apis/autoscaling/v2", "horizontalpodautoscalers", Autoscaler)
SERVICES = Resource("Service", "/api/v1", "services", Service)
ENDPOINT_SLICES = Resource("EndpointSlice", "/apis/discovery.k8s.io/v1", "endpointslices", EndpointSlice)
EVENTS = Resource("Event", "/api/v1", "events", Event)
NODES = Resource("Node", "/api/v1", "nodes", Node, namespaced=False)
NAMESPACES = Resource("Namespace", "/api/v1", "namespaces", KubernetesNamespace, namespaced=False)
CONFIG_MAPS = Resource("ConfigMap", "/api/v1", "configmaps", ConfigMap)
