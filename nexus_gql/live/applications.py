"""The state of every declared application, kept up to date and told when it changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from nexus_gql import clock
from nexus_gql.hierarchy import Application, Catalogue, Environment, Namespace, entries, workload_kind
from nexus_gql.paths import Path

from .cluster import ClusterView
from .health import (
    ApplicationState,
    Health,
    Sighting,
    Verdict,
    ended_well,
    judge_application,
    judge_autoscaler,
    judge_claim,
    judge_ingress,
    over,
    pod_ready,
    rank,
)
from .objects import Observed, Pod
from .store import Store
from .workloads import ObservedKind, Workload, by_creation, runs_of

T = TypeVar("T", bound=Observed)


@dataclass(frozen=True, slots=True)
class Known:
    """A state, and since when its status is what it is (RFC 3339)."""

    state: ApplicationState
    since: str | None


class Applications:
    """Judges applications again when something that they depend on was touched."""

    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        views: Mapping[str, ClusterView],
        workloads: Mapping[tuple[str, str], Workload],
        tell: Callable[[str], None],
        needs_ingresses: Callable[[str], None],
    ) -> None:
        self._catalogue = catalogue
        self._views = views
        self._workloads = workloads
        self._tell = tell
        self._needs_ingresses = needs_ingresses
        self._known: dict[str, Known] = {}

    def known(self, application: Application) -> Known:
        """The state of an application as of now."""
        found = self._known.get(application.id)
        return found if found is not None else self._judged(application, None)

    def judge(self, application_id: str) -> None:
        """Look at an application again, and tell if its state became different or it is gone."""
        level = self._catalogue().by_id(application_id)
        before = self._known.get(application_id)
        if not isinstance(level, Application):
            if self._known.pop(application_id, None) is not None:
                self._tell(application_id)
            return
        after = self._judged(level, before)
        self._known[application_id] = after
        if before is None or before.state != after.state:
            self._tell(application_id)

    def view(self, path: Path) -> ClusterView | None:
        """The view of the cluster that an application or a level above it is on."""
        environment = self._catalogue().above(Environment, path)
        return self._views.get(environment.cluster_id or "")

    def place(self, application: Application) -> tuple[ClusterView, str] | None:
        """The view of its cluster and the name of its Kubernetes namespace; None while its cluster is not watched."""
        view = self.view(application.path)
        if view is None:
            return None
        return view, self._catalogue().above(Namespace, application.path).kubernetes_name

    def workload(self, application: Application) -> Workload | None:
        """What runs of it: of the kind that is declared, the newest. Where its kind was changed and not deployed yet, the old one."""
        place = self.place(application)
        if place is None:
            return None
        view, namespace = place
        found = [
            workload
            for store in _workload_stores(view)
            for item in _in(namespace, store.of_application(application.id))
            if (workload := self._workloads.get((view.link.cluster_id, item.metadata.uid))) is not None
        ]
        declared = workload_kind(self._catalogue().effective(application.path).document)
        return max(
            found,
            key=lambda one: (one.kind.value == declared.value, one.meta.creation_timestamp, one.meta.name),
            default=None,
        )

    def pods(self, application: Application) -> list[Pod]:
        """Its pods, newest last."""
        place = self.place(application)
        if place is None:
            return []
        view, namespace = place
        return by_creation(
            pod for pod in view.pods.of_application(application.id) if pod.metadata.namespace == namespace
        )

    def serving(self, application: Application) -> bool:
        """Whether an endpoint is ready; without a Service, whether a pod is; of a job, whether its last run succeeded."""
        place = self.place(application)
        if place is None:
            return False
        view, namespace = place
        workload = self.workload(application)
        if workload is not None and workload.kind in {ObservedKind.JOB, ObservedKind.CRON_JOB}:
            return _last_run_succeeded(view, workload)
        if any(True for _ in _in(namespace, view.services.of_application(application.id))):
            slices = _in(namespace, view.endpoint_slices.of_application(application.id))
            return any(endpoint.conditions.ready is not False for one in slices for endpoint in one.endpoints or ())
        return any(pod_ready(pod) for pod in self.pods(application))

    def _whole(self, application: Application, view: ClusterView, verdict: Verdict) -> Verdict:
        """The verdict on a workload together with its claims, ingresses and autoscalers: the worst, the workload's first."""
        if entries(self._catalogue().effective(application.path).document, "ingress"):
            self._needs_ingresses(view.link.cluster_id)
        now, namespace = clock.now(), self._catalogue().above(Namespace, application.path).kubernetes_name
        classes = len(view.ingress_classes)
        waits = verdict.status is not Health.HEALTHY
        beside = [
            *(judge_claim(one, used=waits) for one in _in(namespace, view.claims.of_application(application.id))),
            *(
                judge_ingress(one, classes=classes)
                for one in _in(namespace, view.ingresses.of_application(application.id))
            ),
            *(judge_autoscaler(one, now) for one in _in(namespace, view.autoscalers.of_application(application.id))),
        ]
        return min((verdict, *beside), key=lambda one: rank(one.status))

    def _judged(self, application: Application, before: Known | None) -> Known:
        view = self.view(application.path)
        workload = self.workload(application) if application.deployed else None
        state = judge_application(
            deployed=application.deployed,
            ever=application.operation_number > 0,
            revision=application.revision,
            seen=Sighting.UNSEEN if view is None else view.sighting,
            workload=None if workload is None or view is None else self._whole(application, view, workload.verdict),
            serving=application.deployed and self.serving(application),
            trouble="It has no cluster." if view is None else view.trouble,
        )
        if before is not None and before.state.verdict.status is state.verdict.status:
            return Known(state, before.since)
        return Known(state, state.verdict.since or (None if before is None else clock.now().isoformat()))


def _workload_stores(view: ClusterView) -> Iterable[Store[Any]]:
    return (view.deployments, view.stateful_sets, view.daemon_sets, view.cron_jobs, view.jobs)


def _last_run_succeeded(view: ClusterView, workload: Workload) -> bool:
    if workload.kind is ObservedKind.JOB:
        runs = [job] if (job := view.jobs.get(workload.meta.uid)) is not None else []
    else:
        runs = [job for job in runs_of(view, workload.meta.uid) if over(job)]
    return bool(runs) and ended_well(runs[-1])


def _in(namespace: str, items: Iterable[T]) -> Iterable[T]:
    return (item for item in items if item.metadata.namespace == namespace)
