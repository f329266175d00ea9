"""How a pod is doing, from the pod alone."""

from collections.abc import Iterator
from datetime import datetime

from nexus_gql.live.objects import Condition, ContainerStatus, Pod, Terminated

from .verdict import Health, Verdict

# A container that was restarted this often, the last time this recently, keeps crashing, even while it happens to run.
_RESTARTS = 3
_RECENT = 600.0

_IMAGE = "The image {image} cannot be pulled"
_WAITING = {
    "ErrImagePull": f"{_IMAGE}: {{message}}",
    "ImagePullBackOff": f"{_IMAGE}; Kubernetes tries again: {{message}}",
    "ErrImageNeverPull": "The image {image} is not on the node, and its pull policy is Never.",
    "InvalidImageName": "{image} is no valid name of an image: {message}",
    "ImageInspectError": "The image {image} is on the node and cannot be read: {message}",
    "RegistryUnavailable": f"{_IMAGE}: its registry does not answer: {{message}}",
    "CreateContainerConfigError": "The container cannot be made from its settings: {message}",
    "CreateContainerError": "The container cannot be made: {message}",
    "RunContainerError": "The container cannot be started: {message}",
    "StartError": "The container cannot be started: {message}",
    "PostStartHookError": "The command after the start failed: {message}",
    "CrashLoopBackOff": "The container {name} crashes again and again ({restarts} restarts{exit}); Kubernetes waits before the next try.",
}
_ENDS_WELL = "The container {name} ends by itself again and again ({restarts} restarts), and should go on; Kubernetes waits before the next try."

STARTING = frozenset({"", "ContainerCreating", "PodInitializing"})
"""What a container waits for while all goes well."""


def judge_pod(pod: Pod, now: datetime) -> Verdict:
    """The verdict on a pod at an instant."""
    if pod.metadata.deletion_timestamp is not None:
        return Verdict(
            Health.PROGRESSING, "The pod is being shut down.", "Terminating", pod.metadata.deletion_timestamp
        )
    if pod.status.phase == "Succeeded":
        return Verdict(Health.HEALTHY, "The pod has run to its end.", "Completed", _finished(pod))
    if pod.status.phase == "Failed":
        return _failed(pod)
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if (verdict := _container_trouble(pod, status, now)) is not None:
            return verdict
    if (scheduled := _condition(pod, "PodScheduled")) is not None and scheduled.status == "False":
        return _unscheduled(scheduled)
    ready = _condition(pod, "Ready")
    if ready is not None and ready.status == "True":
        return Verdict(Health.HEALTHY, "The pod is ready.", None, ready.last_transition_time)
    if ready is not None and _was_ready(pod, ready):
        return _not_ready_any_more(pod, ready)
    return _starting(pod)


def pod_ready(pod: Pod) -> bool:
    """Whether it counts as available: ready and not on its way out."""
    ready = _condition(pod, "Ready")
    return pod.metadata.deletion_timestamp is None and ready is not None and ready.status == "True"


def _condition(pod: Pod, kind: str) -> Condition | None:
    return next((condition for condition in pod.status.conditions if condition.type == kind), None)


def _finished(pod: Pod) -> str | None:
    return max((end.finished_at or "" for end in _ends(pod)), default=None) or None


def _ends(pod: Pod) -> Iterator[Terminated]:
    for status in pod.status.container_statuses:
        if status.state.terminated is not None:
            yield status.state.terminated


def _failed(pod: Pod) -> Verdict:
    if pod.status.reason == "Evicted":
        message = f"The node put the pod out because it ran short of something: {pod.status.message}"
        return Verdict(Health.DEGRADED, message, "Evicted")
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        end = status.state.terminated
        if end is not None and (end.exit_code or end.signal):
            return Verdict(Health.DEGRADED, ended(status.name, end), end.reason or "Error", end.finished_at)
    return Verdict(Health.DEGRADED, pod.status.message or "The pod has failed.", pod.status.reason or "Failed")


def _unscheduled(condition: Condition) -> Verdict:
    if condition.reason == "SchedulingGated":
        return Verdict(Health.PROGRESSING, "The pod waits until it may be placed on a node.", condition.reason)
    message = f"No node can take the pod: {condition.message}"
    return Verdict(Health.DEGRADED, message, condition.reason or "Unschedulable", condition.last_transition_time)


def _container_trouble(pod: Pod, status: ContainerStatus, now: datetime) -> Verdict | None:
    """What is wrong with a container, if anything."""
    waiting, end = status.state.waiting, status.state.terminated
    if waiting is not None and waiting.reason not in STARTING:
        return _waiting(status, waiting.reason, waiting.message)
    if end is not None and (end.exit_code or end.signal):
        return Verdict(Health.DEGRADED, ended(status.name, end), end.reason or "Error", end.finished_at)
    last = status.last_state.terminated
    if end is not None or last is None or not (last.exit_code or last.signal):
        return None  # an init container that has done its work in the end is no trouble any more
    ago = _seconds_since(last.finished_at, now)
    if ago > _RECENT:
        return None
    if status.restart_count >= _RESTARTS:
        message = f"{ended(status.name, last)} It was restarted {status.restart_count} times, so this keeps happening."
        return Verdict(Health.DEGRADED, message, last.reason or "Error", last.finished_at, recheck=_RECENT - ago + 1)
    if not status.ready and not _init(pod, status):
        message = f"{ended(status.name, last)} It was started again and is not ready yet."
        return Verdict(Health.DEGRADED, message, last.reason or "Error", last.finished_at, recheck=_RECENT - ago + 1)
    return None


def _init(pod: Pod, status: ContainerStatus) -> bool:
    return any(known.name == status.name for known in pod.status.init_container_statuses)


def _waiting(status: ContainerStatus, reason: str, message: str) -> Verdict:
    last = status.last_state.terminated
    how = ""
    if last is not None:
        how = (
            ", the last time out of memory"
            if last.reason == "OOMKilled"
            else f", the last time with exit code {last.exit_code}"
        )
    template = _WAITING.get(reason, "The container {name} waits: {reason}: {message}")
    if reason == "CrashLoopBackOff" and last is not None and not (last.exit_code or last.signal):
        template = _ENDS_WELL
    text = template.format(
        image=status.image,
        name=status.name,
        message=message.strip(),
        reason=reason,
        restarts=status.restart_count,
        exit=how,
    )
    return Verdict(Health.DEGRADED, text.rstrip(": "), reason, None if last is None else last.finished_at)


def ended(name: str, end: Terminated) -> str:
    """How a container ended, in words."""
    if end.reason == "OOMKilled":
        return f"The container {name} was killed because it used more memory than its limit."
    if end.signal:
        return f"The container {name} was ended by signal {end.signal}."
    if end.reason == "DeadlineExceeded":
        return f"The container {name} was ended because its time was up."
    text = f": {end.message.strip()}" if end.message.strip() else "."
    return f"The container {name} ended with exit code {end.exit_code}{text}"


def _was_ready(pod: Pod, ready: Condition) -> bool:
    """Whether readiness was lost rather than not yet reached.

    Kubernetes sets Ready to False when it takes a pod up, before any container starts; a later change to False comes after
    True. Times are in whole seconds, so the same second counts as not yet.
    """
    started = [status.state.running.started_at for status in pod.status.container_statuses if status.state.running]
    return bool(started) and (ready.last_transition_time or "") > max(time or "" for time in started)


def _not_ready_any_more(pod: Pod, ready: Condition) -> Verdict:
    names = [status.name for status in pod.status.container_statuses if not status.ready]
    if ready.reason == "NodeNotReady" or pod.status.reason == "NodeLost":
        message = f"The node {pod.spec.node_name} does not report any more, so nobody knows how the pod is doing."
        return Verdict(Health.DEGRADED, message, "NodeNotReady", ready.last_transition_time)
    message = (
        f"The pod was ready and is not any more: the readiness probe of {', '.join(names) or 'a container'} fails."
    )
    return Verdict(Health.DEGRADED, message, ready.reason or "NotReady", ready.last_transition_time)


def _starting(pod: Pod) -> Verdict:
    if pod.spec.node_name is None:
        return Verdict(Health.PROGRESSING, "The pod waits for a node.", "Pending", pod.metadata.creation_timestamp)
    for status in pod.status.init_container_statuses:
        if status.state.running is not None and not status.ready:
            message = f"The init container {status.name} runs."
            return Verdict(Health.PROGRESSING, message, "PodInitializing", status.state.running.started_at)
    running = [status for status in pod.status.container_statuses if status.state.running is not None]
    if running and len(running) == len(pod.spec.containers):
        names = ", ".join(status.name for status in running if not status.ready) or "the container"
        message = f"{names} runs and is not ready yet: its readiness or startup probe has not succeeded so far."
        return Verdict(Health.PROGRESSING, message, "ContainersNotReady", pod.status.start_time)
    message = f"The pod starts on {pod.spec.node_name}: its images are pulled and its containers made."
    return Verdict(Health.PROGRESSING, message, "ContainerCreating", pod.status.start_time)


def _seconds_since(time: str | None, now: datetime) -> float:
    if not time:
        return float("inf")
    return (now - datetime.fromisoformat(time)).total_seconds()
