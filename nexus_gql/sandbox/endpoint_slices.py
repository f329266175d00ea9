"""The addresses behind a Service: those of the pods that it selects, with what each is good for at the moment."""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    annotations_of,
    is_deleting,
    is_ready,
    key_of,
    labels_of,
    owner_reference,
    phase_of,
    stamp_of,
    status_of,
    uid_of,
    with_metadata,
)
from nexus_gql.sandbox.probes import port_of
from nexus_gql.sandbox.store import Object, Stored
from nexus_gql.sandbox.world import Touched, World, itself

_SIZE = 100
_MANAGED = "endpointslice.kubernetes.io/managed-by"
_CONTROLLER = "endpointslice-controller.k8s.io"
_NAME = "kubernetes.io/service-name"
_CHANGED = "endpoints.kubernetes.io/last-change-trigger-time"

Ports = tuple[tuple[str, int | None, str, str | None], ...]
"""Name, number, protocol and application protocol of each port: what a slice has in common."""


class EndpointSlices:
    """The controller."""

    name = "endpoint-slice-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {"Service": itself, "Pod": self._of_pod, "EndpointSlice": _of_slice}

    def reconcile(self, key: Key) -> float | None:
        """Bring a Service's slices to what its pods are."""
        service = self._world.store.get("Service", *key)
        if service is None or not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return None
        wanted = self._wanted(service)
        present = [item for item in self._world.index.owned(uid_of(service), "EndpointSlice") if _is_ours(item)]
        for ports, endpoints in wanted.items():
            mine = [item for item in present if _ports_of(item) == ports]
            chunks = [endpoints[start : start + _SIZE] for start in range(0, len(endpoints), _SIZE)] or [[]]
            for number, chunk in enumerate(chunks):
                self._put(service, ports, chunk, mine[number] if number < len(mine) else None)
            self._drop(mine[len(chunks) :])
        self._drop([item for item in present if _ports_of(item) not in wanted])
        return None

    def _of_pod(self, write: Stored) -> Iterable[Key]:
        """The Services that select a pod, as it is and as it was; nothing where nothing changed that they look at."""
        before = write.previous.object if write.previous is not None else None
        if write.type == "MODIFIED" and before is not None and _seen(before) == _seen(write.object):
            return ()
        found = self._world.index.services_of(write.object)
        if before is not None and labels_of(before) != labels_of(write.object):
            found += self._world.index.services_of(before)
        return found

    def _wanted(self, service: Object) -> dict[Ports, list[Object]]:
        """Endpoints by ports: pods whose port of the same name has another number make another slice."""
        namespace, selector = service["metadata"]["namespace"], service["spec"]["selector"]
        found: dict[Ports, list[Object]] = {}
        for pod in self._world.index.selected(namespace, selector):
            if status_of(pod).get("podIP") and phase_of(pod) not in ENDED:
                found.setdefault(_resolved(service, pod), []).append(_endpoint(service, pod))
        for endpoints in found.values():
            endpoints.sort(key=lambda item: [int(part) for part in item["addresses"][0].split(".")])
        return found or {(): []}

    def _put(self, service: Object, ports: Ports, endpoints: list[Object], old: Object | None) -> None:
        body = {"addressType": "IPv4", "endpoints": endpoints, "ports": [_port(port) for port in ports]}
        if old is None:
            self._create(service, body)
            return
        if old.get("endpoints") == endpoints:
            return
        gained = {_state(item) for item in endpoints} != {_state(item) for item in old.get("endpoints") or ()}
        notes = {name: value for name, value in annotations_of(old).items() if name != _CHANGED}
        if gained:
            notes[_CHANGED] = stamp_of(self._world.now())
        self._world.store.update("EndpointSlice", with_metadata({**old, **body}, annotations=notes or None))

    def _create(self, service: Object, body: Object) -> None:
        namespace, name = key_of(service)
        # Labels of the Service go along, as in the real one, for whoever selects slices by them.
        labels = {**labels_of(service), _MANAGED: _CONTROLLER, _NAME: name}
        if service["spec"].get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        metadata = {"generateName": f"{name}-", "labels": labels, "ownerReferences": [owner_reference(service)]}
        self._world.store.create("EndpointSlice", namespace, {"metadata": metadata, **body})

    def _drop(self, slices: list[Object]) -> None:
        for item in slices:
            self._world.store.delete("EndpointSlice", *key_of(item))


def _of_slice(write: Stored) -> Iterable[Key]:
    """A slice that somebody deletes is made again."""
    name = labels_of(write.object).get(_NAME)
    if write.type != "DELETED" or not name or not _is_ours(write.object):
        return ()
    return ((write.object["metadata"]["namespace"], name),)


def _endpoint(service: Object, pod: Object) -> Object:
    serving, ending = is_ready(pod), is_deleting(pod)
    ready = (serving and not ending) or bool(service["spec"].get("publishNotReadyAddresses"))
    namespace, name = key_of(pod)
    found: Object = {
        "addresses": [status_of(pod)["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": ending},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {"kind": "Pod", "namespace": namespace, "name": name, "uid": uid_of(pod)},
    }
    spec = pod["spec"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        found["hostname"] = spec["hostname"]
    return found


def _resolved(service: Object, pod: Object) -> Ports:
    found = []
    for port in service["spec"].get("ports") or ():
        number = _number(port.get("targetPort") or port["port"], pod)
        if number is not None:
            found.append((port.get("name", ""), number, port.get("protocol", "TCP"), port.get("appProtocol")))
    return tuple(found)


def _number(target: int | str, pod: Object) -> int | None:
    """A named target is a port of one of the pod's containers; without it the Service has no such port there."""
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        number = port_of(target, container)
        if isinstance(number, int):
            return number
    return None


def _port(port: tuple[str, int | None, str, str | None]) -> Object:
    name, number, protocol, application = port
    return {"name": name, "port": number, "protocol": protocol, **({"appProtocol": application} if application else {})}


def _ports_of(item: Object) -> Ports:
    ports = item.get("ports") or ()
    return tuple(
        (port.get("name", ""), port.get("port"), port.get("protocol", "TCP"), port.get("appProtocol")) for port in ports
    )


def _is_ours(item: Object) -> bool:
    return labels_of(item).get(_MANAGED) == _CONTROLLER


def _state(endpoint: Object) -> tuple[str, bool]:
    return endpoint["addresses"][0], endpoint["conditions"]["serving"]


def _seen(pod: Object) -> tuple[object, ...]:
    """What of a pod an endpoint shows."""
    return status_of(pod).get("podIP"), is_ready(pod), is_deleting(pod), phase_of(pod), labels_of(pod)
