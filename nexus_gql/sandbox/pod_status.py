"""A pod's status, put together from its containers as the kubelet does it."""

from collections.abc import Sequence

from nexus_gql.sandbox import images
from nexus_gql.sandbox.container import Container
from nexus_gql.sandbox.objects import find_condition, stamp_of, status_of
from nexus_gql.sandbox.store import Object

_ORDER = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def status_from(
    pod: Object, inits: Sequence[Container], mains: Sequence[Container], *, host: str, address: str | None, now: float
) -> Object:
    """The whole status. `address`: of the pod, None until its network is there or after it is gone for good."""
    before = status_of(pod)
    phase = phase_from(pod, inits, mains)
    status: Object = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase,
        "conditions": _conditions(pod, inits, mains, phase, sandboxed=address is not None, now=now),
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "startTime": before.get("startTime") or stamp_of(now),
        "qosClass": before.get("qosClass", "BestEffort"),
    }
    if address is not None:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    if inits:
        status["initContainerStatuses"] = [_container(pod, item) for item in inits]
    status["containerStatuses"] = [_container(pod, item) for item in mains]
    return status


def initialised(inits: Sequence[Container]) -> bool:
    """All init containers are through; those that stay beside the pod have started."""
    return all((item.over and item.code == 0) or (item.policy == "Always" and item.started) for item in inits)


def phase_from(pod: Object, inits: Sequence[Container], mains: Sequence[Container]) -> str:
    """Pending, Running, Succeeded or Failed."""
    ended_init = [item for item in inits if item.over and item.code]
    if ended_init and pod["spec"].get("restartPolicy") == "Never":
        return "Failed"
    stays = [item for item in mains if not item.over]
    if not stays and all(item.began_ever or item.over for item in mains):
        return "Failed" if any(item.code != 0 for item in mains) else "Succeeded"
    if not initialised(inits) or any(not item.began_ever and not item.over for item in mains):
        return "Pending"
    return "Running"


def _conditions(
    pod: Object, inits: Sequence[Container], mains: Sequence[Container], phase: str, *, sandboxed: bool, now: float
) -> list[Object]:
    ended = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase)
    unready = [item.name for item in mains if not item.ready]
    waiting = [
        item.name
        for item in inits
        if not (item.over and item.code == 0) and not (item.policy == "Always" and item.started)
    ]
    said: dict[str, tuple[bool, str, str]] = {"PodScheduled": (True, "", "")}
    said["PodReadyToStartContainers"] = (sandboxed and ended is None, "", "")
    if ended == "PodCompleted":
        said["Initialized"] = (True, ended, "")
    elif waiting:
        words = f"containers with incomplete status: [{' '.join(waiting)}]"
        said["Initialized"] = (False, "ContainersNotInitialized", words)
    else:
        said["Initialized"] = (True, "", "")
    if ended:
        said["Ready"] = said["ContainersReady"] = (False, ended, "")
    elif unready:
        words = f"containers with unready status: [{' '.join(unready)}]"
        said["Ready"] = said["ContainersReady"] = (False, "ContainersNotReady", words)
    else:
        said["Ready"] = said["ContainersReady"] = (True, "", "")
    return [_condition(pod, type_, *said[type_], now=now) for type_ in _ORDER]


def _condition(pod: Object, type_: str, holds: bool, reason: str, message: str, *, now: float) -> Object:
    status = "True" if holds else "False"
    old = find_condition(status_of(pod).get("conditions") or (), type_)
    since = old["lastTransitionTime"] if old and old["status"] == status else stamp_of(now)
    found = {
        "type": type_,
        "observedGeneration": pod["metadata"].get("generation", 1),
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": since,
    }
    if reason:
        found["reason"] = reason
    if message:
        found["message"] = message
    return found


def _container(pod: Object, item: Container) -> Object:
    image = item.spec.get("image", "")
    found: Object = {"name": item.name, "state": item.state, "lastState": item.last, "ready": _shown_ready(item)}
    found |= {"restartCount": item.restarts, "started": item.started}
    if item.began_ever:
        resources = item.spec.get("resources") or {}
        found |= {"image": images.full_name(image), "imageID": images.id_of(image)}
        found |= {"containerID": item.identity(pod["metadata"]["uid"]), "resources": resources}
        if resources.get("requests"):
            found["allocatedResources"] = resources["requests"]
    else:
        found |= {"image": image, "imageID": ""}
    if mounts := item.spec.get("volumeMounts"):
        found["volumeMounts"] = [_mount(mount) for mount in mounts]
    return found


def _shown_ready(item: Container) -> bool:
    """An init container that is through counts as ready."""
    return item.ready if not item.init or item.policy == "Always" else item.over and item.code == 0


def _mount(mount: Object) -> Object:
    found: Object = {name: mount[name] for name in ("name", "mountPath", "readOnly") if name in mount}
    return {**found, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else found
