"""Carries one operation out, step by step. Each step is recorded before and after, and may be done again from its beginning."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.clusters import Connection, Fleet, Link, PassingError, Unreachable
from nexus_gql.hierarchy import Application, Hierarchy
from nexus_gql.live import Live
from nexus_gql.vault import Vault

from . import apply, models
from .apply import Fence
from .deletion import Deletion
from .diagnosis import diagnose
from .failures import FINAL, failure_of, unreachable
from .holding import Ended, Holding
from .kubernetes_namespace import ensure_namespace
from .manifests import WORKLOADS, Manifest, with_restart
from .operation import PARENTS, Failure, OperationKind, OperationStatus, StepStatus
from .preparation import Place, place_of
from .records import Failed, record_applied, record_end, settle
from .revisions import Revision, revision
from .rollout import WAITING, Progress, Trouble, too_late
from .runs import job_from, job_of
from .secret_values import fingerprint, secret_texts
from .sighting import pods_made, sighted

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds after the start of an operation for which a cluster that does not answer is waited for."""
_TICK = 1.0
_IN_FLIGHT = 15.0
"""Seconds for which a request of a worker that lost its lease may still be under way (the connection's limit)."""

STEPS: dict[OperationKind, tuple[str, ...]] = {
    OperationKind.DEPLOY: ("prepare", "namespace", "check", "apply", "prune", "rollout"),
    OperationKind.SCALE: ("prepare", "check", "apply", "rollout"),
    OperationKind.RESTART: ("prepare", "check", "apply", "rollout"),
    OperationKind.REMOVE: ("delete", "wait"),
    OperationKind.RUN: ("prepare", "check", "apply", "rollout"),
    OperationKind.DELETE: ("remove", "namespaces", "levels"),
}


@dataclass(frozen=True)
class Surroundings:
    """What operations work with."""

    hierarchy: Hierarchy
    vault: Vault
    fleet: Fleet
    live: Live
    installation_id: str


class Execution:
    """One operation being carried out by this worker."""

    def __init__(self, holding: Holding, around: Surroundings, wake: Callable[[], None]) -> None:
        self._holding = holding
        self._around = around
        self._patience: float | None = None
        deletion = Deletion(holding, around.hierarchy, around.fleet, around.installation_id, wake)
        self._steps: dict[str, Callable[[], Awaitable[str | None]]] = {
            "prepare": self._prepare,
            "namespace": self._namespace,
            "check": self._check,
            "apply": self._apply,
            "prune": self._prune,
            "rollout": self._rollout,
            "delete": self._delete,
            "wait": self._wait,
            "remove": deletion.remove,
            "namespaces": deletion.namespaces,
            "levels": deletion.levels,
        }

    async def run(self) -> None:
        """To its end, whichever; raises LostLease, and what the database raises when it is gone."""
        try:
            await self._holding.look()
            if self._row.started_at is None:
                await self._holding.tell(
                    status=OperationStatus.APPLYING, started_at=clock.now(), message="It has begun."
                )
            for step in STEPS[self._kind]:
                await self._step(step)
        except Ended as ended:
            await self._finish(ended.status, _ENDED[ended.status], None)
        except Failed as failed:
            await self._finish(OperationStatus.FAILED, failed.failure.message, failed.failure)
        else:
            await self._finish(OperationStatus.SUCCEEDED, _DONE[self._kind], None)

    async def _step(self, name: str) -> None:
        await self._holding.look()
        if any(step["name"] == name and step["status"] == StepStatus.SUCCEEDED for step in self._row.steps):
            return
        status = OperationStatus.ROLLING_OUT if name in {"rollout", "wait"} else OperationStatus.APPLYING
        await self._holding.tell(steps=self._holding.with_step(name, StepStatus.RUNNING), status=status)
        try:
            message = await self._translated(self._steps[name])
        except Failed as failed:
            await self._holding.tell(steps=self._holding.with_step(name, StepStatus.FAILED, str(failed)))
            raise
        await self._holding.tell(steps=self._holding.with_step(name, StepStatus.SUCCEEDED, message))

    async def _translated(self, step: Callable[[], Awaitable[T]]) -> T:
        """The step, tried again while its cluster does not answer; what is final comes as Failed."""
        backoff = Backoff()
        while True:
            try:
                return await step()
            except PassingError as error:
                await self._wait_for_cluster(error, backoff)
            except FINAL as error:
                raise Failed(failure_of(error)) from error

    async def _wait_for_cluster(self, error: PassingError, backoff: Backoff) -> None:
        link = self._link
        if link is not None and isinstance(error, Unreachable):
            link.doubt()
        started = self._row.started_at or clock.now()
        if clock.now() - started > timedelta(seconds=PATIENCE):
            raise Failed(unreachable(error, self._kind)) from error
        await self._holding.tell(message=f"{error} It is tried again.")
        over = clock.elapsed() + backoff.failed()
        while (left := over - clock.elapsed()) > 0:
            await asyncio.sleep(min(_TICK, left))
            await self._holding.look()  # somebody who cancels it does not wait for the cluster, too

    # ── what the steps work with ──

    @property
    def _row(self) -> models.Operation:
        return self._holding.row

    @property
    def _kind(self) -> OperationKind:
        return OperationKind(self._row.kind)

    @property
    def _application(self) -> Application:
        level = self._around.hierarchy.latest.by_id(self._holding.operation.application_id or "")
        if not isinstance(level, Application):
            raise Failed(Failure("NotFound", f"`{self._row.path}` is not declared any more."))
        return level

    @property
    def _place(self) -> Place:
        place = place_of(self._around.hierarchy.latest, self._application.path)
        if place is None:
            raise Failed(Failure("NoCluster", "Its environment has no cluster any more."))
        return place

    @property
    def _link(self) -> Link | None:
        if self._kind in PARENTS:
            return None  # it has no single place
        return self._around.fleet.link(self._place.cluster_id)

    async def _connection(self) -> Connection:
        link = self._link
        if link is None:
            raise Failed(Failure("NoCluster", "Its cluster is not registered any more."))
        return await link.connected()

    @property
    def _fence(self) -> Fence:
        notes = self._row.notes
        return Fence(
            self._row.number,
            self._around.installation_id,
            self._holding.check,
            take_over=bool(self._row.request.get("takeOver")),
            rewrite=bool(notes.get("rewrite")),
            recreate=bool(self._row.request.get("recreate")),
        )

    async def _revision(self) -> Revision:
        number = self._row.revision
        application = self._application
        found = None if number is None else await revision(application.id, application.path, number)
        if found is None:
            raise Failed(Failure("NotFound", "The revision that it would apply is not there."))
        return found

    async def _manifests(self) -> list[Manifest]:
        """The objects to apply, with secrets' texts. SCALE and RESTART touch the workload alone."""
        found = await self._revision()
        manifests = found.manifests
        application = self._application
        if application.restarted_at is not None:
            manifests = with_restart(manifests, application.restarted_at.isoformat())
        if self._kind is OperationKind.RUN:
            return [await self._run(manifests)]
        if self._kind is not OperationKind.DEPLOY:
            return [manifest for manifest in manifests if manifest["kind"] in WORKLOADS]
        texts = await secret_texts(self._around.vault, found.settings)
        return [apply.with_secrets(manifest, texts) for manifest in manifests]

    async def _run(self, manifests: list[Manifest]) -> Manifest:
        """The object of one more run of what is deployed."""
        found = next((one for one in manifests if one["kind"] in {"Job", "CronJob"}), None)
        if found is None:
            remedy = "Deploy it as it is declared now; a JOB runs by that."
            raise Failed(Failure("NotAJob", "What is deployed of it is neither a job nor a cron job.", remedy))
        key = str(self._row.id)
        if found["kind"] == "Job":
            return job_of(found, key)
        place, name = self._place, found["metadata"]["name"]
        there = await apply.read(await self._connection(), "CronJob", place.namespace, name)
        if there is None:
            message = f"The CronJob `{name}` is not on the cluster any more: somebody deleted it there."
            raise Failed(Failure("Missing", message, "Deploy it again."))
        return job_from(found, key, there["metadata"]["uid"])

    # ── the steps ──

    async def _prepare(self) -> str | None:
        await self._around.hierarchy.current()
        connection, place = await self._connection(), self._place
        there = [
            item
            async for item in apply.owned(
                connection, place.namespace, self._application.id, self._around.installation_id
            )
        ]
        rewrite = await self._earlier_torn()
        mark = None
        if self._kind is OperationKind.DEPLOY:
            effective = self._around.hierarchy.latest.effective(self._application.path)
            mark = fingerprint(self._around.vault, await secret_texts(self._around.vault, effective))
        await settle(
            self._holding,
            self._around.hierarchy,
            self._around.installation_id,
            found=max(map(apply.number_of, there), default=0),
            rewrite=rewrite,
            secrets_fingerprint=mark,
        )
        self._holding.announce()
        return f"Revision {self._row.revision}."

    async def _earlier_torn(self) -> bool:
        """Whether an operation since the last good deployment was torn off, so that its worker may still be at it."""
        earlier = models.Operation.filter(application_id=self._application.id, number__lt=self._row.number)
        async for row in earlier.order_by("-number").limit(50):
            if row.kind in {OperationKind.DEPLOY, OperationKind.REMOVE} and row.status == OperationStatus.SUCCEEDED:
                return bool(row.notes.get("takenOver"))
            if row.started_at is not None and (row.ending is not None or row.notes.get("takenOver")):
                return True
        return False

    async def _namespace(self) -> str | None:
        self._holding.check()
        made = await ensure_namespace(await self._connection(), self._place.namespace, self._around.installation_id)
        return f"`{self._place.namespace}` was made." if made else None

    async def _check(self) -> str | None:
        """All objects are tried before the first is written: what would be refused is refused as a whole."""
        connection = await self._connection()
        for manifest in await self._manifests():
            await apply.rehearse(connection, manifest, self._fence)
        return None

    async def _apply(self) -> str | None:
        if self._kind is OperationKind.RUN and "uid" in self._row.notes:
            return None  # it was made; where it is over and cleared away by now, it must not run again
        connection = await self._connection()
        changed, notes = [], dict(self._row.notes)
        for manifest in await self._manifests():
            done = await apply.apply(connection, manifest, self._fence)
            if done.changed:
                changed.append(f"{done.kind} {done.name}")
            if done.kind in WORKLOADS:
                notes |= {"kind": done.kind, "uid": done.uid, "generation": done.generation}
        await record_applied(self._holding, notes)
        await self._around.hierarchy.current()
        return ", ".join(changed) or "Nothing had to change."

    async def _prune(self) -> str | None:
        """Take away what an earlier revision made and this one does not declare."""
        connection, place = await self._connection(), self._place
        kept = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in (await self._revision()).manifests}
        gone = []
        async for item in apply.owned(connection, place.namespace, self._application.id, self._around.installation_id):
            # What has an owner (a run of a CronJob) stays and goes with that.
            if item["metadata"].get("ownerReferences") or item["kind"] == apply.VOLUMES:
                continue
            if (item["kind"], item["metadata"]["name"]) not in kept:
                await apply.delete(connection, item, self._fence)
                gone.append(f"{item['kind']} {item['metadata']['name']}")
        return f"Deleted: {', '.join(gone)}." if gone else None

    async def _rollout(self) -> str | None:
        """Follow the rollout as the cluster's view shows it, until it has ended one way or the other."""
        trouble: Trouble | None = None
        since = moved = clock.elapsed()
        share = 0.0
        async for progress in self._progress():
            if progress.done:
                await self._note_digest()
                return progress.message
            now = clock.elapsed()
            if progress.trouble is None or trouble is None or progress.trouble.reason != trouble.reason:
                since = now
            if progress.share > share:
                share, moved = progress.share, now
            trouble = progress.trouble
            await self._holding.tell(message=progress.message, notes=self._rolled_out(progress.share))
            if trouble is not None and trouble.fatal_after is not None and now - since >= trouble.fatal_after:
                raise Failed(await diagnose(trouble, self._link, self._place.cluster_id))
            if now - moved >= await self._deadline():
                late = too_late(progress, await self._deadline())
                raise Failed(await diagnose(late, self._link, self._place.cluster_id))
        raise Failed(Failure("Missing", "It is not on the cluster any more: somebody deleted it there."))

    async def _deadline(self) -> float:
        """Seconds without progress after which it has failed. A Deployment has Kubernetes' own, a job its own time limit."""
        if self._row.notes["kind"] not in {"StatefulSet", "DaemonSet"}:
            return math.inf
        if self._patience is None:
            document = (await self._revision()).settings.document
            self._patience = clock.parse_duration(document.get("rollout.deadline", "10m"))
        return self._patience

    def _rolled_out(self, share: float) -> dict[str, Any]:
        return {**self._row.notes, "rolledOut": round(share, 3)}

    async def _progress(self) -> AsyncIterator[Progress]:
        """What is seen of the rollout, again whenever something changed and once a second; ends when its workload is gone."""
        kind, uid = str(self._row.notes["kind"]), str(self._row.notes["uid"])
        generation = int(str(self._row.notes["generation"]))
        live, seen = self._around.live, False
        while True:
            await self._holding.look()
            position = live.workload_feed.position
            view = live.views.get(self._place.cluster_id)
            if view is None or view.lost_at is not None or not view.synced:
                yield Progress(False, 0.0, "The cluster cannot be seen now; what happens there goes on.")
            elif (progress := sighted(view, kind, uid, generation, clock.now())) is not None:
                seen = True
                yield progress
            elif seen:
                return
            else:
                yield WAITING
            try:
                async with asyncio.timeout(_TICK):
                    await live.workload_feed.newer(position)
            except TimeoutError:
                pass

    async def _note_digest(self) -> None:
        """Keep with the revision which image it turned out to be."""
        view = self._around.live.views.get(self._place.cluster_id)
        made = [] if view is None else pods_made(view, str(self._row.notes["kind"]), str(self._row.notes["uid"]))
        for pod in reversed(made):
            for status in pod.status.container_statuses:
                digest = status.image_i_d.rpartition("@")[2]
                if digest.startswith("sha256:"):
                    revisions = models.Revision.filter(application_id=self._application.id, number=self._row.revision)
                    await revisions.update(image_digest=digest)
                    return

    async def _delete(self) -> str | None:
        connection = await self._connection()
        gone = []
        async for item in self._going(connection):
            await apply.delete(connection, item, self._fence)
            gone.append(f"{item['kind']} {item['metadata']['name']}")
        return ", ".join(gone) or "Nothing of it was there."

    async def _going(self, connection: Connection) -> AsyncIterator[Mapping[str, Any]]:
        """What a removal takes away: all of the application, its volumes only where that was said."""
        volumes = bool(self._row.request.get("deleteVolumes"))
        async for item in apply.owned(
            connection, self._place.namespace, self._application.id, self._around.installation_id
        ):
            if volumes or item["kind"] != apply.VOLUMES:
                yield item

    async def _wait(self) -> str | None:
        """Until its pods have ended, and nobody who was torn off can have made something anew meanwhile."""
        connection, place, started = await self._connection(), self._place, clock.elapsed()
        quiet = _IN_FLIGHT if await self._earlier_torn() else 0.0
        while True:
            await self._holding.look()
            left = [item async for item in self._going(connection)]
            for item in left:
                await apply.delete(connection, item, self._fence)
            pods = await apply.pods_left(connection, place.namespace, self._application.id)
            if not left and not pods and clock.elapsed() - started >= quiet:
                return None
            message = (
                f"{pods} {'pod is' if pods == 1 else 'pods are'} still to end." if pods else "It is being taken away."
            )
            await self._holding.tell(message=message)
            await asyncio.sleep(_TICK)

    # ── the end ──

    async def _finish(self, status: OperationStatus, message: str, failure: Failure | None) -> None:
        dropped = await record_end(self._holding, status, message, failure)
        await self._around.hierarchy.current()
        self._holding.announce(*dropped)


_DONE = {
    OperationKind.DEPLOY: "It is deployed.",
    OperationKind.SCALE: "It is scaled.",
    OperationKind.RESTART: "It was started anew.",
    OperationKind.REMOVE: "It is off the cluster.",
    OperationKind.RUN: "It has run.",
    OperationKind.DELETE: "It is deleted, with all that was below it.",
}
_ENDED = {
    OperationStatus.SUPERSEDED: "A newer operation took its place.",
    OperationStatus.CANCELLED: "It was cancelled; what it had applied stays.",
}
