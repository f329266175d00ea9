"""The kubelets of all nodes: each pod's life from its node's first look at it to its end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from nexus_gql.sandbox.container import Around, Container, Past
from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    controller_of,
    is_deleting,
    key_of,
    phase_of,
    status_of,
    uid_of,
    with_status,
)
from nexus_gql.sandbox.pod_status import status_from
from nexus_gql.sandbox.store import Object, Stored
from nexus_gql.sandbox.variables import missing_value, missing_volume
from nexus_gql.sandbox.world import Touched, World

_LAST_MOUNT = 122.0
_ADDRESSES = 65_000


@dataclass(slots=True)
class Life:
    """A pod on its node."""

    uid: str
    node: str
    host: str
    address: str
    inits: list[Container]
    mains: list[Container]
    networked: bool = False
    volume_wait: float = 0.5
    stops: float | None = None
    by_force: bool = False

    @property
    def containers(self) -> list[Container]:
        """All of them."""
        return [*self.inits, *self.mains]


class Kubelet:
    """The controller for pods that have a node."""

    name = "kubelet"

    def __init__(self, world: World) -> None:
        self._world = world
        self.lives: dict[Key, Life] = {}
        self._images: dict[str, set[str]] = {}
        self._addresses: set[int] = set()
        self._next_address = 4
        self.watches: Mapping[str, Touched] = {"Pod": _concerns}
        self._followers: list[Callable[[Key, Life], None]] = []

    def follow(self, follower: Callable[[Key, Life], None]) -> None:
        """Be told how a pod lives whenever that may have changed."""
        self._followers.append(follower)

    def take_in(self, lives: Mapping[Key, Life]) -> None:
        """Pods that lived before this kubelet was go on."""
        for key, life in lives.items():
            self.lives[key] = life
            self._addresses.add(_number(life.address))
            pulled = {item.spec.get("image", "") for item in life.containers if item.began_ever}
            self._images.setdefault(life.node, set()).update(pulled)

    def reconcile(self, key: Key) -> float | None:
        """Let happen what is due in a pod; seconds until the next thing is."""
        pod = self._world.store.get("Pod", *key)
        life = self.lives.get(key)
        if life is not None and (pod is None or uid_of(pod) != life.uid):
            self._forget(key, life)
            life = None
        if pod is None:
            return None
        node = pod["spec"].get("nodeName")
        if is_deleting(pod) and (not node or phase_of(pod) in ENDED):
            self._world.store.remove("Pod", *key)
            return None
        if not node or (life is None and phase_of(pod) in ENDED):
            return None
        life = life or self._begin(key, pod)
        again = self._end(pod, life) if is_deleting(pod) else self._live(pod, life)
        for follower in self._followers:
            follower(key, life)
        return again

    def past(self, key: Key, container: str) -> list[Past] | None:
        """The last runs of a container, oldest first; None where nothing is known of it."""
        life = self.lives.get(key)
        if life is None:
            return None
        return next((item.runs for item in life.containers if item.name == container), None)

    def running(self, key: Key) -> Iterator[tuple[Object, Past]]:
        """The containers of a pod that run now, as declared, with their run."""
        life = self.lives.get(key)
        for item in life.containers if life else ():
            if item.runs and item.runs[-1].ended is None:
                yield item.spec, item.runs[-1]

    # ── a pod's life ──

    def _begin(self, key: Key, pod: Object) -> Life:
        spec = pod["spec"]
        finite = spec.get("restartPolicy", "Always") != "Always" or _is_of_job(pod)
        first = "PodInitializing" if spec.get("initContainers") else "ContainerCreating"
        inits = [_init(item, spec, first) for item in spec.get("initContainers") or ()]
        policy = spec.get("restartPolicy", "Always")
        mains = [Container(item, False, policy, finite, {"waiting": {"reason": first}}) for item in spec["containers"]]
        life = Life(uid_of(pod), spec["nodeName"], self._host(spec["nodeName"]), self._address(), inits, mains)
        self.lives[key] = life
        return life

    def _live(self, pod: Object, life: Life) -> float | None:
        now = self._world.now()
        if phase_of(pod) in ENDED:
            return None
        if not life.networked:
            if (wait := self._mount(pod, life)) is not None:
                self._write(pod, life, now)
                return wait
            life.networked = True
        around = self._around(pod, life)
        for item in self._turns(life):
            item.step(now, self._about(around, pod, item))
        self._write(pod, life, now)
        dues = [item.due for item in life.containers if item.due is not None]
        return min(dues) - now if dues else None

    def _turns(self, life: Life) -> Iterator[Container]:
        """The containers whose turn it is: init containers one after the other, then all the others at once."""
        for item in life.inits:
            through = item.over and item.code == 0
            if not through:
                yield item
            stays = item.policy == "Always" and item.started
            if not (item.over and item.code == 0) and not stays:
                return
        yield from life.mains

    def _mount(self, pod: Object, life: Life) -> float | None:
        """Seconds until the volumes are looked at again; None when they are there."""
        why = missing_volume(self._world.store, pod)
        if why is None:
            return None
        self._world.events.warning(pod, Source("kubelet", life.node), "FailedMount", why)
        wait, life.volume_wait = life.volume_wait, min(life.volume_wait * 2, _LAST_MOUNT)
        return wait

    def _end(self, pod: Object, life: Life) -> float | None:
        """SIGTERM, the time the pod is given, and its end."""
        now, grace = self._world.now(), pod["metadata"].get("deletionGracePeriodSeconds", 30)
        around = self._around(pod, life)
        if life.stops is None:
            for item in life.containers:
                if item.state.get("running"):
                    self._about(around, pod, item).say("Normal", "Killing", f"Stopping container {item.name}")
            self._observe(pod)
            wanted = self._world.random.uniform(0.4, 1.2) + _before_stop(pod)
            life.by_force = grace < wanted
            life.stops = now + min(grace, wanted if any(item.state.get("running") for item in life.containers) else 0.1)
        life.stops = min(life.stops, now + grace)
        if now + 0.002 < life.stops:
            return life.stops - now
        for item in life.containers:
            item.stop(now, self._about(around, pod, item), code=137 if life.by_force else 0)
        self._write(pod, life, now)
        self._world.store.remove("Pod", *key_of(pod))
        return None

    def _observe(self, pod: Object) -> None:
        """Say that the new generation, the one with the end in it, was seen."""
        generation, status = pod["metadata"].get("generation", 1), status_of(pod)
        conditions = [{**item, "observedGeneration": generation} for item in status.get("conditions", ())]
        changed = {**status, "observedGeneration": generation, "conditions": conditions}
        self._world.store.update("Pod", with_status(pod, changed), manager="kubelet", subresource="status")

    def _write(self, pod: Object, life: Life, now: float) -> None:
        present = self._world.store.get("Pod", *key_of(pod))
        if present is None:
            return
        # The network is shown when there is something else to show too: one write less for each pod that starts.
        shown = life.networked and not all(_is_new(item) for item in life.containers)
        address = life.address if shown else None
        status = status_from(present, life.inits, life.mains, host=life.host, address=address, now=now)
        if status != status_of(present):
            self._world.store.update("Pod", with_status(present, status), manager="kubelet", subresource="status")

    # ── its surroundings ──

    def _around(self, pod: Object, life: Life) -> Around:
        store, namespace = self._world.store, pod["metadata"]["namespace"]
        return Around(
            pod=pod["metadata"]["name"],
            namespace=namespace,
            uid=life.uid,
            address=life.address,
            random=self._world.random,
            images=self._images.setdefault(life.node, set()),
            say=lambda _type, _reason, _message: None,
            missing_value=lambda spec: missing_value(store, namespace, spec),
        )

    def _about(self, around: Around, pod: Object, item: Container) -> Around:
        events, source = self._world.events, Source("kubelet", pod["spec"]["nodeName"])
        part = f"spec.{'initContainers' if item.init else 'containers'}{{{item.name}}}"

        def say(type_: str, reason: str, message: str) -> None:
            send = events.normal if type_ == "Normal" else events.warning
            send(pod, source, reason, message, part=part)

        return Around(
            around.pod,
            around.namespace,
            around.uid,
            around.address,
            around.random,
            around.images,
            say,
            around.missing_value,
        )

    def _host(self, node: str) -> str:
        found = self._world.store.get("Node", None, node) or {}
        addresses = status_of(found).get("addresses", ())
        return next((item["address"] for item in addresses if item["type"] == "InternalIP"), "172.18.0.2")

    def _address(self) -> str:
        while self._next_address in self._addresses:
            self._next_address = self._next_address % _ADDRESSES + 4
        number = self._next_address
        self._addresses.add(number)
        self._next_address = number % _ADDRESSES + 1
        return f"10.244.{number >> 8}.{number & 255}"

    def _forget(self, key: Key, life: Life) -> None:
        self._addresses.discard(_number(life.address))
        del self.lives[key]


def _number(address: str) -> int:
    _, _, high, low = address.split(".")
    return int(high) * 256 + int(low)


def _init(item: Object, spec: Object, first: str) -> Container:
    stays = item.get("restartPolicy") == "Always"
    again = "Always" if stays else "Never" if spec.get("restartPolicy") == "Never" else "OnFailure"
    return Container(item, True, again, not stays, {"waiting": {"reason": first}})


def _is_new(item: Container) -> bool:
    return (item.state.get("waiting") or {}).get("reason") in {"ContainerCreating", "PodInitializing"}


def _is_of_job(pod: Object) -> bool:
    owner = controller_of(pod)
    return owner is not None and owner["kind"] == "Job"


def _before_stop(pod: Object) -> float:
    hooks = [(item.get("lifecycle") or {}).get("preStop") or {} for item in pod["spec"]["containers"]]
    return max((float((hook.get("sleep") or {}).get("seconds", 0)) for hook in hooks), default=0.0)


def _concerns(write: Stored) -> Iterable[Key]:
    """Pods that have a node or are to go; not the statuses that the kubelet itself writes."""
    obj = write.object
    if not obj["spec"].get("nodeName") and "deletionTimestamp" not in obj["metadata"]:
        return ()
    before = write.previous.object if write.type == "MODIFIED" and write.previous is not None else None
    if before is not None and before["spec"] is obj["spec"] and _held(before) == _held(obj):
        return ()
    return (key_of(obj),)


def _held(pod: Object) -> tuple[object, ...]:
    metadata = pod["metadata"]
    return metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds"), metadata.get("finalizers")
