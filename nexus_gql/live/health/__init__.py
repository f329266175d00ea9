"""Health: one pure function for each kind."""

from .application import ApplicationState, Sighting, judge_application
from .deployment import judge_deployment
from .pod import judge_pod, pod_ready
from .summary import Summary, summarise
from .verdict import Health, Verdict, worst

__all__ = [
    "ApplicationState",
    "Health",
    "Sighting",
    "Summary",
    "Verdict",
    "judge_application",
    "judge_deployment",
    "judge_pod",
    "pod_ready",
    "summarise",
    "worst",
]
