"""Carries one operation out, step by step. Each step is recorded before and after, and may be done again from its beginning."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from nexus_gql import clock
from nexus_gql.backoff import Backoff
from nexus_gql.clusters import Connection, PassingError, Unreachable

from . import apply
from .claims import refuse_taken
from .deletion import Deletion
from .failures import FINAL, failure_of, unreachable
from .following import Following
from .holding import TICK, Ended, Holding
from .kubernetes_namespace import ensure_namespace
from .manifests import WORKLOADS, Manifest, with_restart
from .operation import Failure, OperationKind, OperationStatus, StepStatus
from .records import Failed, record_applied, record_end, settle
from .removal import Removal
from .replacement import VOLUMES, refuse_another_kind
from .runs import job_from, job_of
from .secret_values import fingerprint, secret_texts
from .subject import Subject, Surroundings

T = TypeVar("T")

PATIENCE = 600.0
"""Seconds after the start of an operation for which a cluster that does not answer is waited for."""

STEPS: dict[OperationKind, tuple[str, ...]] = {
    OperationKind.DEPLOY: ("prepare", "namespace", "check", "apply", "prune", "rollout"),
    OperationKind.SCALE: ("prepare", "check", "apply", "rollout"),
    OperationKind.RESTART: ("prepare", "check", "apply", "rollout"),
    OperationKind.REMOVE: ("delete", "wait"),
    OperationKind.RUN: ("prepare", "check", "apply", "rollout"),
    OperationKind.DELETE: ("remove", "namespaces", "levels"),
}


class Execution:
    """One operation being carried out by this worker."""

    def __init__(self, holding: Holding, around: Surroundings, wake: Callable[[], None]) -> None:
        self._holding = holding
        self._around = around
        self._subject = Subject(holding, around)
        following = Following(holding, self._subject, around.live)
        removal = Removal(holding, self._subject, around.installation_id)
        deletion = Deletion(holding, around.hierarchy, around.fleet, around.installation_id, wake)
        self._steps: dict[str, Callable[[], Awaitable[str | None]]] = {
            "prepare": self._prepare,
            "namespace": self._namespace,
            "check": self._check,
            "apply": self._apply,
            "prune": self._prune,
            "rollout": following.rollout,
            "delete": removal.delete,
            "wait": removal.wait,
            "remove": deletion.remove,
            "namespaces": deletion.namespaces,
            "levels": deletion.levels,
        }

    async def run(self) -> None:
        """To its end, whichever; raises LostLease, and what the database raises when it is gone."""
        try:
            await self._holding.look()
            if self._subject.row.started_at is None:
                await self._holding.tell(
                    status=OperationStatus.APPLYING, started_at=clock.now(), message="It has begun."
                )
            for step in STEPS[self._subject.kind]:
                await self._step(step)
        except Ended as ended:
            await self._finish(ended.status, _ENDED[ended.status], None)
        except Failed as failed:
            await self._finish(OperationStatus.FAILED, failed.failure.message, failed.failure)
        else:
            await self._finish(OperationStatus.SUCCEEDED, _DONE[self._subject.kind], None)

    async def _step(self, name: str) -> None:
        await self._holding.look()
        if any(step["name"] == name and step["status"] == StepStatus.SUCCEEDED for step in self._subject.row.steps):
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
        link = self._subject.link
        if link is not None and isinstance(error, Unreachable):
            link.doubt()
        started = self._subject.row.started_at or clock.now()
        if clock.now() - started > timedelta(seconds=PATIENCE):
            raise Failed(unreachable(error, self._subject.kind)) from error
        await self._holding.tell(message=f"{error} It is tried again.")
        over = clock.elapsed() + backoff.failed()
        while (left := over - clock.elapsed()) > 0:
            await asyncio.sleep(min(TICK, left))
            await self._holding.look()  # somebody who cancels it does not wait for the cluster, too

    # ── the steps ──

    async def _manifests(self) -> list[Manifest]:
        """The objects to apply, with secrets' texts. SCALE and RESTART touch the workload alone."""
        found = await self._subject.revision()
        manifests = found.manifests
        application = self._subject.application
        if application.restarted_at is not None:
            manifests = with_restart(manifests, application.restarted_at.isoformat())
        if self._subject.kind is OperationKind.RUN:
            return [await self._run(manifests)]
        if self._subject.kind is not OperationKind.DEPLOY:
            return [manifest for manifest in manifests if manifest["kind"] in WORKLOADS]
        texts = await secret_texts(self._around.vault, found.settings)
        return [apply.with_secrets(manifest, texts) for manifest in manifests]

    async def _run(self, manifests: list[Manifest]) -> Manifest:
        """The object of one more run of what is deployed."""
        found = next((one for one in manifests if one["kind"] in {"Job", "CronJob"}), None)
        if found is None:
            remedy = "Deploy it as it is declared now; a JOB runs by that."
            raise Failed(Failure("NotAJob", "What is deployed of it is neither a job nor a cron job.", remedy))
        key = str(self._subject.row.id)
        if found["kind"] == "Job":
            return job_of(found, key)
        place, name = self._subject.place, found["metadata"]["name"]
        there = await apply.read(await self._subject.connection(), "CronJob", place.namespace, name)
        if there is None:
            message = f"The CronJob `{name}` is not on the cluster any more: somebody deleted it there."
            raise Failed(Failure("Missing", message, "Deploy it again."))
        return job_from(found, key, there["metadata"]["uid"])

    async def _prepare(self) -> str | None:
        await self._around.hierarchy.current()
        connection, place = await self._subject.connection(), self._subject.place
        there = [
            item
            async for item in apply.owned(
                connection, place.namespace, self._subject.application.id, self._around.installation_id
            )
        ]
        rewrite = await self._subject.torn_before()
        mark = None
        if self._subject.kind is OperationKind.DEPLOY:
            effective = self._around.hierarchy.latest.effective(self._subject.application.path)
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
        if self._subject.kind is OperationKind.DEPLOY and not self._subject.fence.recreate:
            refuse_another_kind(there, (await self._subject.revision()).manifests)
        return f"Revision {self._subject.row.revision}."

    async def _namespace(self) -> str | None:
        self._holding.check()
        made = await ensure_namespace(
            await self._subject.connection(), self._subject.place.namespace, self._around.installation_id
        )
        return f"`{self._subject.place.namespace}` was made." if made else None

    async def _check(self) -> str | None:
        """All objects are tried before the first is written: what would be refused is refused as a whole."""
        connection, manifests = await self._subject.connection(), await self._manifests()
        await self._refuse_taken(connection, manifests)
        for manifest in manifests:
            await apply.rehearse(connection, manifest, self._subject.fence)
        return None

    async def _apply(self) -> str | None:
        if self._subject.kind is OperationKind.RUN and "uid" in self._subject.row.notes:
            return None  # it was made; where it is over and cleared away by now, it must not run again
        connection, manifests = await self._subject.connection(), await self._manifests()
        await self._refuse_taken(connection, manifests)
        changed, notes = [], dict(self._subject.row.notes)
        for manifest in manifests:
            done = await apply.apply(connection, manifest, self._subject.fence)
            if done.changed:
                changed.append(f"{done.kind} {done.name}")
            if done.kind in WORKLOADS:
                notes |= {"kind": done.kind, "uid": done.uid, "generation": done.generation}
        await record_applied(self._holding, notes)
        await self._around.hierarchy.current()
        return ", ".join(changed) or "Nothing had to change."

    async def _refuse_taken(self, connection: Connection, manifests: list[Manifest]) -> None:
        """Refuse claims of neighbours, which an apply does not show. What makes no new ones (RESTART) goes on as it is."""
        if self._subject.kind is OperationKind.DEPLOY:
            catalogue = await self._around.hierarchy.current()
            where, application = self._subject.place.namespace, self._subject.application
            await refuse_taken(connection, where, manifests, application, catalogue)

    async def _prune(self) -> str | None:
        """Take away what an earlier revision made and this one does not declare."""
        connection, place = await self._subject.connection(), self._subject.place
        kept = {
            (manifest["kind"], manifest["metadata"]["name"]) for manifest in (await self._subject.revision()).manifests
        }
        gone = []
        async for item in apply.owned(
            connection, place.namespace, self._subject.application.id, self._around.installation_id
        ):
            # What has an owner (a run of a CronJob) stays and goes with that.
            if item["metadata"].get("ownerReferences") or item["kind"] == VOLUMES:
                continue
            if (item["kind"], item["metadata"]["name"]) not in kept:
                await apply.delete(connection, item, self._subject.fence)
                gone.append(f"{item['kind']} {item['metadata']['name']}")
        return f"Deleted: {', '.join(gone)}." if gone else None

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
