"""The kinds of object that the sandbox has: one row each."""

from dataclasses import dataclass

STATUS = frozenset({"status"})
SCALED = frozenset({"status", "scale"})
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: how a kind is called, and what of it can be asked for.

    `generation`: the object counts the changes of its spec. `verbs`: None for all.
    """

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: frozenset[str] = NONE
    generation: bool = False
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )

    @property
    def api_version(self) -> str:
        """As it stands in an object: `apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As messages call it: `deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_ALL = ("all",)

_ROWS = (
    Kind(
        "", "v1", "Namespace", "namespaces", False, ("ns",), STATUS,
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    ),
    Kind("", "v1", "Node", "nodes", False, ("no",), STATUS),
    Kind("", "v1", "Pod", "pods", True, ("po",), STATUS, generation=True, categories=_ALL),
    Kind("", "v1", "Service", "services", True, ("svc",), STATUS, categories=_ALL),
    Kind("", "v1", "Secret", "secrets", True),
    Kind("", "v1", "ConfigMap", "configmaps", True, ("cm",)),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", True, ("sa",)),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", True, ("pvc",), STATUS),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", False, ("pv",), STATUS),
    Kind("", "v1", "Event", "events", True, ("ev",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", True, ("quota",), STATUS),
    Kind("apps", "v1", "Deployment", "deployments", True, ("deploy",), SCALED, generation=True, categories=_ALL),
    Kind("apps", "v1", "ReplicaSet", "replicasets", True, ("rs",), SCALED, generation=True, categories=_ALL),
    Kind("apps", "v1", "StatefulSet", "statefulsets", True, ("sts",), SCALED, generation=True, categories=_ALL),
    Kind("apps", "v1", "DaemonSet", "daemonsets", True, ("ds",), STATUS, generation=True, categories=_ALL),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions", True),
    Kind("batch", "v1", "Job", "jobs", True, (), STATUS, generation=True, categories=_ALL),
    Kind("batch", "v1", "CronJob", "cronjobs", True, ("cj",), STATUS, generation=True, categories=_ALL),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", True, generation=True),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", True, ("ing",), STATUS, generation=True),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", False, generation=True),
    Kind(
        "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", True, ("hpa",), STATUS,
        categories=_ALL,
    ),
    Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", False, ("sc",)),
    Kind("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", True, verbs=("get", "list")),
    Kind("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", False, verbs=("get", "list")),
)  # fmt: skip

KINDS = {row.name: row for row in _ROWS}
"""By kind: `Deployment`."""

BY_RESOURCE = {(row.group, row.version, row.plural): row for row in _ROWS}
"""By group, version and plural, as they stand in a URL."""
