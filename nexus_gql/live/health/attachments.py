"""How what belongs to a workload is doing: its claims, ingresses and autoscalers."""

from datetime import datetime

from nexus_gql.live.objects import Autoscaler, Claim, Ingress

from .pods import condition
from .verdict import Health, Verdict

# A new autoscaler finds no samples until metrics-server has taken two, which it does every 15 s; some clusters every minute.
_FIRST_SAMPLES = 180.0


def judge_claim(claim: Claim, *, used: bool) -> Verdict:
    """The verdict on a claim. `used`: a pod waits for it, so that it should be bound."""
    name, phase = claim.metadata.name, claim.status.phase
    if phase == "Bound":
        resizing = condition(claim.status.conditions, "FileSystemResizePending") or condition(
            claim.status.conditions, "Resizing"
        )
        if resizing is not None and resizing.status == "True":
            return Verdict(Health.PROGRESSING, f"The volume {name} is being made larger.", resizing.type)
        return Verdict(Health.HEALTHY, f"The volume {name} is there.", "Bound")
    if phase == "Lost":
        message = f"The storage behind the volume {name} is gone, and what was on it."
        return Verdict(Health.DEGRADED, message, "Lost")
    if not used:
        return Verdict(Health.PROGRESSING, f"The volume {name} is made once a pod needs it.", "WaitForFirstConsumer")
    message = f"The volume {name} is not there yet: nothing on the cluster has provided it so far."
    return Verdict(Health.PROGRESSING, message, "Pending", claim.metadata.creation_timestamp)


def judge_ingress(ingress: Ingress, *, classes: int) -> Verdict:
    """The verdict on an Ingress. `classes`: how many ingress classes the cluster has."""
    name = ingress.metadata.name
    if any(address.ip or address.hostname for address in ingress.status.load_balancer.ingress):
        return Verdict(Health.HEALTHY, f"The ingress {name} has an address.")
    if not classes:
        message = f"The cluster has no ingress controller, so the ingress {name} stays without an address."
        return Verdict(Health.HEALTHY, message, "NoIngressClass")
    message = f"The ingress {name} waits for an address from its controller."
    return Verdict(Health.PROGRESSING, message, "NoAddress", ingress.metadata.creation_timestamp)


def judge_autoscaler(autoscaler: Autoscaler, now: datetime) -> Verdict:
    """The verdict on a HorizontalPodAutoscaler at an instant."""
    for kind, what in (
        ("AbleToScale", "cannot change the number of pods"),
        ("ScalingActive", "cannot tell how many are needed"),
    ):
        found = condition(autoscaler.status.conditions, kind)
        if found is None or found.status == "True" or found.reason == "ScalingDisabled":
            continue
        message = f"Autoscaling {what}: {found.message}"
        since = found.last_transition_time
        age = (now - datetime.fromisoformat(since)).total_seconds() if since else _FIRST_SAMPLES
        if found.reason.startswith("FailedGet") and age < _FIRST_SAMPLES:
            waiting = "Autoscaling waits for the first samples of what the pods use."
            return Verdict(Health.PROGRESSING, waiting, found.reason, since, recheck=_FIRST_SAMPLES - age + 1)
        return Verdict(Health.DEGRADED, message, found.reason, since)
    current, most = autoscaler.status.current_replicas, autoscaler.spec.max_replicas
    if current >= most:
        return Verdict(Health.HEALTHY, f"Autoscaling runs as many pods as it may ({most}).", "TooManyReplicas")
    return Verdict(
        Health.HEALTHY, f"Autoscaling runs {current} pods, between {autoscaler.spec.min_replicas} and {most}."
    )
