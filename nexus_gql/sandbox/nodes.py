"""The nodes of the simulated cluster, and what else a new cluster has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nexus_gql.sandbox.objects import stamp_of
from nexus_gql.sandbox.store import Object, Store

_FINE = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a node is made of."""

    name: str
    cpu: str = "8"
    memory: str = "32Gi"
    pods: str = "110"
    extra: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, str]] = ()


def machines(
    count: int = 2, *, prefix: str = "sandbox", cpu: str = "8", memory: str = "32Gi", pods: str = "110"
) -> list[Machine]:
    """So many nodes of one size: one of them the control plane by name, as KinD has it."""
    names = [f"{prefix}-control-plane", f"{prefix}-worker", *(f"{prefix}-worker{number}" for number in range(2, count))]
    return [Machine(name, cpu=cpu, memory=memory, pods=pods) for name in names[:count]]


def furnish(store: Store, nodes: Sequence[Machine]) -> None:
    """Put into the store what a new cluster has and what is missing there: namespaces, nodes, the storage class."""
    for name in _NAMESPACES:
        if store.get("Namespace", None, name) is None:
            store.create("Namespace", None, {"metadata": {"name": name}})
    for number, machine in enumerate(nodes):
        if store.get("Node", None, machine.name) is None:
            store.create("Node", None, _node(store, machine, number), manager="kubelet")
    if store.get("StorageClass", None, "standard") is None:
        store.create("StorageClass", None, _STANDARD)


_STANDARD: Object = {
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "sandbox.nexus/at-once",
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "Immediate",
}


def address_of(number: int) -> str:
    """A node's address."""
    return f"172.18.{number // 200}.{number % 200 + 2}"


def _node(store: Store, machine: Machine, number: int) -> Object:
    stamp = stamp_of(store.clock.now().timestamp())
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": machine.name,
        "kubernetes.io/os": "linux",
        **({"node-role.kubernetes.io/control-plane": ""} if number == 0 else {}),
        **machine.labels,
    }
    room = {"cpu": machine.cpu, "memory": machine.memory, "pods": machine.pods, **machine.extra}
    conditions = [
        {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": stamp,
            "lastTransitionTime": stamp,
        }
        for type_, status, reason, message in _FINE
    ]
    spec: Object = {"podCIDR": "10.244.0.0/16"}
    if machine.taints:
        spec["taints"] = [dict(taint) for taint in machine.taints]
    return {
        "metadata": {"name": machine.name, "labels": labels},
        "spec": spec,
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": address_of(number)},
                {"type": "Hostname", "address": machine.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _INFORMATION,
        },
    }


_INFORMATION: Object = {
    "architecture": "amd64",
    "bootID": "",
    "containerRuntimeVersion": "sandbox://1.0",
    "kernelVersion": "sandbox",
    "kubeProxyVersion": "",
    "kubeletVersion": "v1.34.4-nexus-sandbox",
    "machineID": "",
    "operatingSystem": "linux",
    "osImage": "Nexus sandbox (nothing runs here)",
    "systemUUID": "",
}
