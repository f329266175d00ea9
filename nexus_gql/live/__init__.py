"""What is running: reflectors fill stores, verdicts are reached, changes are numbered; and the logs."""

from .applications import Applications, Known
from .arrival import arrived, loading
from .changes import ClusterChange, HierarchyChange, LiveChange, ObjectChange, SightChange, StateChange
from .cluster import ClusterView
from .events import EventLog, Record
from .feed import EPOCH, Feed, Lapsed
from .health import ApplicationState, Health, Sighting, Summary, Verdict, judge_job, judge_pod, summarise
from .live import Live
from .logs import (
    Cursor,
    Follower,
    Line,
    LogFrame,
    MalformedCursor,
    Pattern,
    Source,
    TooManySources,
    UnusablePattern,
    read_once,
)
from .logs.source import Start
from .objects import (
    ContainerSpec,
    ContainerStatus,
    CronJob,
    DaemonSet,
    Deployment,
    Event,
    Job,
    Pod,
    ReplicaSet,
    StatefulSet,
    Terminated,
)
from .selection import Selection, pods_in, select, workloads_in
from .store import APPLICATION_LABEL, Store
from .workloads import ObservedKind, Replicas, Workload, by_creation, pods_of

__all__ = [
    "APPLICATION_LABEL",
    "EPOCH",
    "ApplicationState",
    "Applications",
    "ClusterChange",
    "ClusterView",
    "ContainerSpec",
    "ContainerStatus",
    "CronJob",
    "Cursor",
    "DaemonSet",
    "Deployment",
    "Event",
    "EventLog",
    "Feed",
    "Follower",
    "Health",
    "HierarchyChange",
    "Job",
    "Known",
    "Lapsed",
    "Line",
    "Live",
    "LiveChange",
    "LogFrame",
    "MalformedCursor",
    "ObjectChange",
    "ObservedKind",
    "Pattern",
    "Pod",
    "Record",
    "ReplicaSet",
    "Replicas",
    "Selection",
    "SightChange",
    "Sighting",
    "Source",
    "Start",
    "StateChange",
    "StatefulSet",
    "Store",
    "Summary",
    "Terminated",
    "TooManySources",
    "UnusablePattern",
    "Verdict",
    "Workload",
    "arrived",
    "by_creation",
    "judge_job",
    "judge_pod",
    "loading",
    "pods_in",
    "pods_of",
    "read_once",
    "select",
    "summarise",
    "workloads_in",
]
