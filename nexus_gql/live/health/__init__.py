"""Health: one pure function for each kind."""

from .application import GRACE, NEVER, ApplicationState, Sighting, judge_application
from .attachments import judge_autoscaler, judge_claim, judge_ingress
from .cron_job import judge_cron_job
from .daemon_set import judge_daemon_set
from .deployment import judge_deployment
from .job import ended_well, judge_job, over
from .pod import judge_pod, pod_ready
from .replica_set import judge_replica_set
from .stateful_set import judge_stateful_set
from .summary import Summary, summarise
from .verdict import Health, Verdict, rank, worst

__all__ = [
    "GRACE",
    "NEVER",
    "ApplicationState",
    "Health",
    "Sighting",
    "Summary",
    "Verdict",
    "ended_well",
    "judge_application",
    "judge_autoscaler",
    "judge_claim",
    "judge_cron_job",
    "judge_daemon_set",
    "judge_deployment",
    "judge_ingress",
    "judge_job",
    "judge_pod",
    "judge_replica_set",
    "judge_stateful_set",
    "over",
    "pod_ready",
    "rank",
    "summarise",
    "worst",
]
