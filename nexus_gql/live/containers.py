"""The containers of pods as sources of logs: which there are in a scope, and what may still come of one."""

from .cluster import ClusterView
from .logs import Source, Stage
from .objects import ContainerStatus, Pod
from .store import APPLICATION_LABEL, Store


def source_of(view: ClusterView, pod: Pod, container: str) -> Source:
    """The log of a container of a pod."""
    meta = pod.metadata
    return Source(
        view.link.cluster_id,
        view.link.name,
        meta.namespace,
        meta.name,
        meta.uid,
        container,
        meta.labels.get(APPLICATION_LABEL),
    )


def started(pod: Pod) -> list[str]:
    """The containers that have started at least once, and so can have a log."""
    return [
        status.name
        for status in _statuses(pod)
        if status.state.running or status.state.terminated or status.restart_count
    ]


def stage_of(pods: Store[Pod] | None, source: Source) -> Stage:
    """What may still come of a container, from the pods of its cluster."""
    pod = None if pods is None else pods.get(source.uid)
    if pod is None:
        # Before the pods were listed nobody knows; the kubelet does.
        return Stage.RUNS if pods is not None and not pods.synced else Stage.OVER
    status = next((one for one in _statuses(pod) if one.name == source.container), None)
    if pod.status.phase in {"Succeeded", "Failed"} or (status is not None and _is_done(pod, status)):
        return Stage.OVER
    return Stage.RUNS if status is not None and status.state.running else Stage.PAUSES


def _is_done(pod: Pod, status: ContainerStatus) -> bool:
    """Whether it was an init container, and went well."""
    end = status.state.terminated
    return end is not None and end.exit_code == 0 and status in pod.status.init_container_statuses


def _statuses(pod: Pod) -> tuple[ContainerStatus, ...]:
    return (*pod.status.init_container_statuses, *pod.status.container_statuses)
