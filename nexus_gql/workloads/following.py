"""Follows the rollout of what an operation has applied, as the cluster's view shows it, until it has ended one way or the other."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

from nexus_gql import clock
from nexus_gql.live import Live

from . import models
from .diagnosis import diagnose
from .holding import TICK, Holding
from .operation import Failure
from .records import Failed
from .rollout import WAITING, Progress, Trouble, too_late
from .sighting import pods_made, sighted
from .subject import Subject


class Following:
    """The step `rollout` of one operation."""

    def __init__(self, holding: Holding, subject: Subject, live: Live) -> None:
        self._holding = holding
        self._subject = subject
        self._live = live
        self._patience: float | None = None

    async def rollout(self) -> str | None:
        """To its end; Failed where that is certain not to come."""
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
                raise Failed(await self._diagnosed(trouble))
            if now - moved >= await self._deadline():
                raise Failed(await self._diagnosed(too_late(progress, await self._deadline())))
        raise Failed(Failure("Missing", "It is not on the cluster any more: somebody deleted it there."))

    async def _diagnosed(self, trouble: Trouble) -> Failure:
        return await diagnose(trouble, self._subject.link, self._subject.place.cluster_id)

    async def _deadline(self) -> float:
        """Seconds without progress after which it has failed. A Deployment has Kubernetes' own, a job its own time limit."""
        if self._holding.row.notes["kind"] not in {"StatefulSet", "DaemonSet"}:
            return math.inf
        if self._patience is None:
            document = (await self._subject.revision()).settings.document
            self._patience = clock.parse_duration(document.get("rollout.deadline", "10m"))
        return self._patience

    def _rolled_out(self, share: float) -> dict[str, Any]:
        return {**self._holding.row.notes, "rolledOut": round(share, 3)}

    async def _progress(self) -> AsyncIterator[Progress]:
        """What is seen of the rollout, again whenever something changed and once a second; ends when its workload is gone."""
        kind, uid, generation = self._applied()
        seen = False
        while True:
            await self._holding.look()
            position = self._live.workload_feed.position
            view = self._live.views.get(self._subject.place.cluster_id)
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
                async with asyncio.timeout(TICK):
                    await self._live.workload_feed.newer(position)
            except TimeoutError:
                pass

    def _applied(self) -> tuple[str, str, int]:
        """Kind and uid of the workload, and the generation that is waited for."""
        notes = self._holding.row.notes
        return str(notes["kind"]), str(notes["uid"]), int(str(notes["generation"]))

    async def _note_digest(self) -> None:
        """Keep with the revision which image it turned out to be."""
        kind, uid, _ = self._applied()
        view = self._live.views.get(self._subject.place.cluster_id)
        made = [] if view is None else pods_made(view, kind, uid)
        for pod in reversed(made):
            for status in pod.status.container_statuses:
                digest = status.image_i_d.rpartition("@")[2]
                if digest.startswith("sha256:"):
                    number = self._holding.row.revision
                    revisions = models.Revision.filter(application_id=self._subject.application.id, number=number)
                    await revisions.update(image_digest=digest)
                    return
