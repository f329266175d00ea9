"""Why a rollout failed, as its pods tell it: what is wrong, what to do about it, and the last that the container wrote."""

from typing import Any

from nexus_gql import clock
from nexus_gql.clusters import ClusterError, Link
from nexus_gql.live import Pod, Source, Start, read_once

from .operation import Failure
from .rollout import Trouble

_LOG_LINES = 20

_IMAGE = (
    "Check image.repository and image.tag, whether the image was pushed, and whether the cluster may pull it. "
    "Then deploy again; there is no need to wait."
)
_CRASH = "The log lines below are its last. Correct the image, its command or its settings, and deploy again."
_REMEDIES = {
    "ErrImagePull": _IMAGE,
    "ImagePullBackOff": _IMAGE,
    "InvalidImageName": _IMAGE,
    "RegistryUnavailable": _IMAGE,
    "ImageInspectError": _IMAGE,
    "ErrImageNeverPull": "Load the image into the cluster's nodes, or set image.pullPolicy to IfNotPresent.",
    "CrashLoopBackOff": _CRASH,
    "Error": _CRASH,
    "Completed": "The container ended by itself, and a service must go on: check command and args.",
    "OOMKilled": "Raise resources.memoryLimit, or make it use less.",
    "CreateContainerConfigError": "Check the Secrets and keys that the environment variables refer to.",
    "RunContainerError": "Check command and args: the image may not have that program.",
    "StartError": "Check command and args: the image may not have that program.",
    "CreateContainerError": "Check command, args and files.",
    "Unschedulable": "Ask for less (resources), check nodeSelector and tolerations, or give the cluster a node that fits.",
    "FailedCreate": "A quota, an admission rule or a missing service account stands in the way; the message says which.",
    "ContainersNotReady": "Check the readiness probe: its port and path, and how long the application takes to start.",
    "ProgressDeadlineExceeded": "Look at the pods' events and logs; where it only needs longer, raise rollout.deadline.",
    "Evicted": "The node ran short of memory or disk: raise the requests, so that it is placed where there is room.",
}


async def diagnose(trouble: Trouble, link: Link | None, cluster_id: str) -> Failure:
    """The failure that a trouble is, with the last log lines of the container at fault."""
    logs: tuple[dict[str, Any], ...] = ()
    if trouble.pod is not None and link is not None:
        logs = await _last_lines(trouble.pod, link, cluster_id)
    return Failure(trouble.reason, trouble.message, _REMEDIES.get(trouble.reason), logs)


async def _last_lines(pod: Pod, link: Link, cluster_id: str) -> tuple[dict[str, Any], ...]:
    """What the container at fault wrote last: before its restart, where it was started again."""
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        if status.ready or not (status.restart_count or status.state.terminated or status.state.running):
            continue
        source = Source(cluster_id, link.name, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid, status.name)
        running = status.state.running is not None or status.state.terminated is not None
        for previous in (bool(status.restart_count) and not status.state.terminated, False):
            if not previous and not running:
                continue
            try:
                lines = await read_once(link, source, Start(tail=_LOG_LINES, previous=previous))
            except ClusterError:
                continue
            if lines:
                return tuple(
                    {
                        "at": clock.format_instant(line.at),
                        "text": line.text,
                        "truncated": line.truncated,
                        "namespace": source.namespace,
                        "pod": source.pod,
                        "container": source.container,
                        "cluster": source.cluster,
                    }
                    for line in lines
                )
    return ()
