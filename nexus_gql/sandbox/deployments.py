"""Deployments: ReplicaSets by template, one replaced by the next as the strategy has it.

The steps are those of the real controller (pkg/controller/deployment in Kubernetes): each pass does one thing, and the write
that it makes brings the next pass.
"""

from collections.abc import Iterable, Mapping

from nexus_gql.sandbox.deployment_status import complete, status_after, with_condition
from nexus_gql.sandbox.events import Source
from nexus_gql.sandbox.objects import (
    ENDED,
    Key,
    annotations_of,
    condition_of,
    controller_of,
    filled,
    is_deleting,
    labels_of,
    owner_reference,
    phase_of,
    seconds_of,
    selects,
    status_of,
    uid_of,
    with_metadata,
    with_spec,
    with_status,
)
from nexus_gql.sandbox.rolling import (
    Replicas,
    Rollout,
    fenceposts,
    proportions,
    room_for_new,
    shrink_old,
    shrink_unhealthy,
)
from nexus_gql.sandbox.store import Object, Stored
from nexus_gql.sandbox.templates import hash_of
from nexus_gql.sandbox.world import Touched, World, its_controller, itself

_SOURCE = Source("deployment-controller")
_REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        _REVISION,
        _HISTORY,
        _DESIRED,
        _MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)


class Deployments:
    """The controller."""

    name = "deployment-controller"

    def __init__(self, world: World) -> None:
        self._world = world
        self.watches: Mapping[str, Touched] = {
            "Deployment": itself,
            "ReplicaSet": its_controller("Deployment"),
            "Pod": self._gone,
        }

    def reconcile(self, key: Key) -> float | None:
        """One step of the rollout, and how things stand after it."""
        deployment = self._world.store.get("Deployment", *key)
        if deployment is None:
            return None
        sets = self._sets(deployment)
        if not is_deleting(deployment):
            deployment = self._note_pause(deployment)
            rollout = self._rollout(deployment, sets, create=False)
            if deployment["spec"].get("paused") or self._is_scaling(deployment, sets):
                self._scale(rollout)
            elif deployment["spec"].get("strategy", {}).get("type") == "Recreate":
                self._recreate(key, rollout)
            else:
                self._roll(key)
        return self._write_status(key)

    def _gone(self, write: Stored) -> Iterable[Key]:
        """Recreation waits for the last old pod to go."""
        if write.type != "DELETED":
            return ()
        owner = controller_of(write.object)
        found = self._world.store.by_uid(owner["uid"]) if owner else None
        above = controller_of(found) if found else None
        if above is None or above["kind"] != "Deployment":
            return ()
        return ((write.object["metadata"]["namespace"], above["name"]),)

    # ── which ReplicaSets there are ──

    def _sets(self, deployment: Object) -> list[Object]:
        """Oldest first. One that nobody owns and that the selector picks is taken."""
        world, namespace = self._world, deployment["metadata"]["namespace"]
        if not status_of(deployment).get("observedGeneration"):
            for stray in world.store.all("ReplicaSet", namespace):
                if controller_of(stray) is None and selects(deployment["spec"]["selector"], labels_of(stray)):
                    world.store.update(
                        "ReplicaSet", with_metadata(stray, ownerReferences=[owner_reference(deployment)])
                    )
        return sorted(world.index.owned(uid_of(deployment), "ReplicaSet"), key=_age)

    def _rollout(self, deployment: Object, sets: list[Object], *, create: bool) -> Rollout:
        """The ReplicaSet of the present template, made where it is wanted and missing, and the others; with their revisions."""
        # A template without labels cannot be: the apiserver requires that the selector picks it.
        wanted = hash_of(deployment["spec"]["template"], status_of(deployment).get("collisionCount", 0))
        new = next((item for item in sets if labels_of(item).get("pod-template-hash") == wanted), None)
        old = [item for item in sets if item is not new]
        revision = str(max((_revision(item) for item in old), default=0) + 1)
        if new is not None:
            new = self._renumbered(deployment, new, revision)
            words = ("FoundNewReplicaSet", f'Found new replica set "{new["metadata"]["name"]}"')
            known = condition_of(deployment, "Progressing") is not None
            deployment = self._say(deployment, annotations_of(new)[_REVISION], None if known else words)
        elif create:
            new = self._create(deployment, old, wanted, revision)
            words = ("NewReplicaSetCreated", f'Created new replica set "{new["metadata"]["name"]}"')
            deployment = self._say(deployment, revision, words)
        return Rollout(deployment, new, old)

    def _create(self, deployment: Object, old: list[Object], wanted: str, revision: str) -> Object:
        spec, template = deployment["spec"], deployment["spec"]["template"]
        declared = template.get("metadata") or {}
        labels = {**(declared.get("labels") or {}), "pod-template-hash": wanted}
        selector = spec["selector"]
        replicas = spec.get("replicas", 1)
        if spec.get("strategy", {}).get("type") != "Recreate":
            replicas = room_for_new(deployment, 0, [item["spec"]["replicas"] for item in old])
        surge, _ = fenceposts(deployment)
        annotations = {
            **_copied(deployment),
            _DESIRED: str(spec.get("replicas", 1)),
            _MAXIMUM: str(spec.get("replicas", 1) + surge),
            _REVISION: revision,
        }
        body = {
            "metadata": {
                "name": f"{deployment['metadata']['name']}-{wanted}",
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": replicas,
                "selector": {
                    **selector,
                    "matchLabels": {**(selector.get("matchLabels") or {}), "pod-template-hash": wanted},
                },
                "template": {**template, "metadata": {**declared, "labels": labels}},
                **filled(minReadySeconds=spec.get("minReadySeconds")),
            },
        }
        made = self._world.store.create("ReplicaSet", deployment["metadata"]["namespace"], body)
        if replicas:
            self._say_scaled(deployment, made, 0, replicas)
        return made

    def _renumbered(self, deployment: Object, new: Object, revision: str) -> Object:
        """A template that comes back gets the newest number, and remembers which it had."""
        annotations = {**annotations_of(new), **_copied(deployment)}
        before = annotations.get(_REVISION, "")
        if before and int(before) < int(revision):
            annotations[_REVISION] = revision
            annotations[_HISTORY] = ",".join(filter(None, (annotations.get(_HISTORY), before)))
        if annotations == annotations_of(new):
            return new
        return self._world.store.update("ReplicaSet", with_metadata(new, annotations=annotations))

    # ── what is done about them ──

    def _roll(self, key: Key) -> None:
        rollout = self._begun(key)
        if rollout is None or rollout.new is None:
            return
        deployment, new = rollout.deployment, rollout.new
        replicas = [item["spec"]["replicas"] for item in rollout.old]
        wanted = room_for_new(deployment, new["spec"]["replicas"], replicas)
        if self._scale_set(deployment, new, wanted) or self._shrink(rollout):
            return
        if complete(deployment, status_of(deployment)):
            self._clean_up(rollout)

    def _shrink(self, rollout: Rollout) -> bool:
        """Old pods go as far as enough others are available; those that never came up go first."""
        if rollout.new is None or not any(item["spec"]["replicas"] for item in rollout.old):
            return False
        rows = [Replicas.of(item) for item in rollout.old]
        healthy = shrink_unhealthy(rollout.deployment, Replicas.of(rollout.new), rows)
        wanted = shrink_old(rollout.deployment, Replicas.of(rollout.new), healthy)
        done = [
            self._scale_set(rollout.deployment, item, count) for item, count in zip(rollout.old, wanted, strict=True)
        ]
        return any(done)

    def _recreate(self, key: Key, rollout: Rollout) -> None:
        stopped = [self._scale_set(rollout.deployment, item, 0) for item in rollout.old]
        if any(stopped) or self._old_pods_run(rollout):
            return
        begun = self._begun(key)
        if begun is None or begun.new is None:
            return
        self._scale_set(begun.deployment, begun.new, begun.deployment["spec"].get("replicas", 1))
        if complete(begun.deployment, status_of(begun.deployment)):
            self._clean_up(begun)

    def _begun(self, key: Key) -> Rollout | None:
        deployment = self._world.store.get("Deployment", *key)
        return None if deployment is None else self._rollout(deployment, self._sets(deployment), create=True)

    def _old_pods_run(self, rollout: Rollout) -> bool:
        owned = self._world.index.owned
        return any(phase_of(pod) not in ENDED for item in rollout.old for pod in owned(uid_of(item), "Pod"))

    def _is_scaling(self, deployment: Object, sets: list[Object]) -> bool:
        """The number of replicas changed since the ReplicaSets were given theirs."""
        replicas = str(deployment["spec"].get("replicas", 1))
        active = [item for item in sets if item["spec"]["replicas"] > 0]
        return any(annotations_of(item).get(_DESIRED, replicas) != replicas for item in active)

    def _scale(self, rollout: Rollout) -> None:
        """Give every ReplicaSet its share of a changed number, in the middle of a rollout or not."""
        for item, count in proportions(rollout):
            self._scale_set(rollout.deployment, item, count)
        if rollout.deployment["spec"].get("paused"):
            self._clean_up(rollout)

    def _scale_set(self, deployment: Object, item: Object, count: int) -> bool:
        """Whether a ReplicaSet's number changed; its notes of the Deployment's are kept up to date anyway."""
        replicas, before = deployment["spec"].get("replicas", 1), item["spec"]["replicas"]
        surge, _ = fenceposts(deployment)
        annotations = {**annotations_of(item), _DESIRED: str(replicas), _MAXIMUM: str(replicas + surge)}
        if count == before and (annotations == annotations_of(item) or before == 0):
            return False
        changed = with_spec(with_metadata(item, annotations=annotations), replicas=count)
        self._world.store.update("ReplicaSet", changed)
        if count != before:
            self._say_scaled(deployment, item, before, count)
        return bool(count != before)

    def _say_scaled(self, deployment: Object, item: Object, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {item['metadata']['name']} from {before} to {after}"
        self._world.events.normal(deployment, _SOURCE, "ScalingReplicaSet", message)

    def _clean_up(self, rollout: Rollout) -> None:
        """Forget the oldest templates beyond the limit."""
        idle = [item for item in rollout.old if not is_deleting(item)]
        surplus = len(idle) - rollout.deployment["spec"].get("revisionHistoryLimit", 10)
        for item in sorted(idle, key=_revision)[: max(surplus, 0)]:
            observed = status_of(item).get("observedGeneration", 0) >= item["metadata"]["generation"]
            if not item["spec"]["replicas"] and not status_of(item).get("replicas") and observed:
                self._world.store.delete("ReplicaSet", item["metadata"]["namespace"], item["metadata"]["name"])

    # ── how things stand ──

    def _note_pause(self, deployment: Object) -> Object:
        progressing = condition_of(deployment, "Progressing")
        reason = progressing["reason"] if progressing else ""
        paused = bool(deployment["spec"].get("paused"))
        if reason == "ProgressDeadlineExceeded" or paused == (reason == "DeploymentPaused"):
            return deployment
        revision = annotations_of(deployment).get(_REVISION)
        words = (
            ("DeploymentPaused", "Deployment is paused") if paused else ("DeploymentResumed", "Deployment is resumed")
        )
        return self._say(deployment, revision, words, status="Unknown")

    def _say(
        self, deployment: Object, revision: str | None, progress: tuple[str, str] | None, *, status: str = "True"
    ) -> Object:
        """The revision and a word about progress, in one write; through the status, so that they raise no generation."""
        said = status_of(deployment)
        if progress is not None:
            words = ("Progressing", status, *progress)
            said = {**said, "conditions": with_condition(said.get("conditions", []), words, self._world.now())}
        annotations = {**annotations_of(deployment), **({_REVISION: revision} if revision else {})}
        if said == status_of(deployment) and annotations == annotations_of(deployment):
            return deployment
        changed = with_status(with_metadata(deployment, annotations=annotations or None), said)
        return self._world.store.update("Deployment", changed, subresource="status")

    def _write_status(self, key: Key) -> float | None:
        deployment = self._world.store.get("Deployment", *key)
        if deployment is None:
            return None
        rollout = self._rollout(deployment, self._sets(deployment), create=False)
        status, again = status_after(rollout, self._world.now())
        if status != status_of(rollout.deployment):
            self._world.store.update("Deployment", with_status(rollout.deployment, status), subresource="status")
        return again


def _age(item: Object) -> tuple[float, str]:
    return seconds_of(item["metadata"]["creationTimestamp"]), item["metadata"]["name"]


def _revision(item: Object) -> int:
    return int(annotations_of(item).get(_REVISION) or 0)


def _copied(deployment: Object) -> dict[str, str]:
    return {name: value for name, value in annotations_of(deployment).items() if name not in _NOT_COPIED}
