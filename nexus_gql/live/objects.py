"""What we keep of Kubernetes objects: frozen, and only the fields that somebody reads.

Decoded straight from the apiserver's JSON; times stay the RFC 3339 texts that it wrote.
"""

from typing import Protocol

from msgspec import Struct


class Slim(Struct, frozen=True, rename="camel", gc=False):
    """A part of an object. Nothing here refers back to what holds it, so the garbage collector need not look."""


class Owner(Slim, frozen=True):
    """Who an object belongs to."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Meta(Slim, frozen=True):
    """An object's metadata."""

    name: str
    uid: str
    namespace: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    owner_references: list[Owner] = []


class Observed(Protocol):
    """Anything with Kubernetes metadata."""

    @property
    def metadata(self) -> Meta:
        """Its name, namespace, UID, labels and owners."""
        ...


class NotedMeta(Meta, frozen=True):
    """Metadata of kinds whose annotations are read."""

    annotations: dict[str, str] = {}


class Condition(Slim, frozen=True):
    """One of an object's conditions."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None


class Requirements(Slim, frozen=True):
    """A container's requests and limits, as quantities."""

    requests: dict[str, str] = {}
    limits: dict[str, str] = {}


class ContainerSpec(Slim, frozen=True):
    """A container as declared."""

    name: str
    image: str = ""
    resources: Requirements = Requirements()
    restart_policy: str | None = None


class Waiting(Slim, frozen=True):
    """A container that does not run yet, or not now."""

    reason: str = ""
    message: str = ""


class Running(Slim, frozen=True):
    """A container that runs."""

    started_at: str | None = None


class Terminated(Slim, frozen=True):
    """A container that ended."""

    exit_code: int = 0
    signal: int | None = None
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class ContainerCondition(Slim, frozen=True):
    """The state of a container: one of the three is there."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Slim, frozen=True):
    """A container as it is."""

    name: str
    image: str = ""
    image_i_d: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerCondition = ContainerCondition()
    last_state: ContainerCondition = ContainerCondition()


class PodSpec(Slim, frozen=True):
    """A pod as declared."""

    node_name: str | None = None
    containers: list[ContainerSpec] = []
    init_containers: list[ContainerSpec] = []
    restart_policy: str = "Always"


class PodStatus(Slim, frozen=True):
    """A pod as it is."""

    phase: str = "Unknown"
    reason: str = ""
    message: str = ""
    pod_i_p: str | None = None
    start_time: str | None = None
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []


class Pod(Slim, frozen=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class TemplateSpec(Slim, frozen=True):
    """What a workload's pods are made from, as far as it is read."""

    containers: list[ContainerSpec] = []


class Template(Slim, frozen=True):
    """A pod template."""

    spec: TemplateSpec = TemplateSpec()


class DeploymentSpec(Slim, frozen=True):
    """A Deployment as declared."""

    replicas: int = 1
    paused: bool = False
    progress_deadline_seconds: int = 600
    template: Template = Template()


class ReplicaStatus(Slim, frozen=True):
    """Counts of pods, as the controllers of Deployments and ReplicaSets write them."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    conditions: list[Condition] = []


class Deployment(Slim, frozen=True):
    """A Deployment."""

    metadata: NotedMeta
    spec: DeploymentSpec = DeploymentSpec()
    status: ReplicaStatus = ReplicaStatus()


class StatefulSetSpec(Slim, frozen=True):
    """A StatefulSet as declared."""

    replicas: int = 1
    template: Template = Template()


class StatefulSetStatus(Slim, frozen=True):
    """A StatefulSet's counts, and the versions that its pods are of."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""


class StatefulSet(Slim, frozen=True):
    """A StatefulSet."""

    metadata: Meta
    spec: StatefulSetSpec = StatefulSetSpec()
    status: StatefulSetStatus = StatefulSetStatus()


class DaemonSetSpec(Slim, frozen=True):
    """A DaemonSet as declared."""

    template: Template = Template()


class DaemonSetStatus(Slim, frozen=True):
    """A DaemonSet's counts of nodes."""

    observed_generation: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    number_ready: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0


class DaemonSet(Slim, frozen=True):
    """A DaemonSet."""

    metadata: Meta
    spec: DaemonSetSpec = DaemonSetSpec()
    status: DaemonSetStatus = DaemonSetStatus()


class JobSpec(Slim, frozen=True):
    """A Job as declared."""

    completions: int | None = None
    parallelism: int = 1
    backoff_limit: int = 6
    suspend: bool = False
    template: Template = Template()


class JobStatus(Slim, frozen=True):
    """How far a Job is."""

    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: str | None = None
    completion_time: str | None = None
    conditions: list[Condition] = []


class Job(Slim, frozen=True):
    """A Job: runs to its end."""

    metadata: Meta
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class JobTemplate(Slim, frozen=True):
    """What a CronJob's jobs are made from."""

    spec: JobSpec = JobSpec()


class CronJobSpec(Slim, frozen=True):
    """A CronJob as declared."""

    schedule: str = ""
    suspend: bool = False
    job_template: JobTemplate = JobTemplate()


class CronJobStatus(Slim, frozen=True):
    """When a CronJob ran."""

    active: list[dict[str, object]] = []
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


class CronJob(Slim, frozen=True):
    """A CronJob: makes jobs by a schedule."""

    metadata: Meta
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()


class ReplicaSetSpec(Slim, frozen=True):
    """A ReplicaSet as declared."""

    replicas: int = 1
    template: Template = Template()


class ReplicaSet(Slim, frozen=True):
    """A ReplicaSet: one version of a Deployment, or a workload of its own."""

    metadata: NotedMeta
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaStatus = ReplicaStatus()


class ServicePort(Slim, frozen=True):
    """A port that a Service offers."""

    port: int
    name: str = ""
    protocol: str = "TCP"


class ServiceSpec(Slim, frozen=True):
    """A Service as declared."""

    type: str = "ClusterIP"
    cluster_i_p: str = ""
    external_name: str = ""
    selector: dict[str, str] = {}
    ports: list[ServicePort] = []


class Service(Slim, frozen=True):
    """A Service."""

    metadata: Meta
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Slim, frozen=True):
    """Whether an endpoint answers; unset `ready` means yes."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Slim, frozen=True):
    """One address behind a Service."""

    addresses: list[str] = []
    conditions: EndpointConditions = EndpointConditions()


class EndpointSlice(Slim, frozen=True):
    """Some of a Service's endpoints."""

    metadata: Meta
    endpoints: list[Endpoint] | None = None


class ClaimStatus(Slim, frozen=True):
    """How far a claim is."""

    phase: str = "Pending"
    conditions: list[Condition] = []


class Claim(Slim, frozen=True):
    """A PersistentVolumeClaim."""

    metadata: Meta
    status: ClaimStatus = ClaimStatus()


class IngressAddress(Slim, frozen=True):
    """Where an ingress controller answers for an Ingress."""

    ip: str = ""
    hostname: str = ""


class LoadBalancer(Slim, frozen=True):
    """The addresses of an Ingress."""

    ingress: list[IngressAddress] = []


class IngressStatus(Slim, frozen=True):
    """An Ingress as a controller took it up."""

    load_balancer: LoadBalancer = LoadBalancer()


class IngressSpec(Slim, frozen=True):
    """An Ingress as declared, as far as it is read."""

    ingress_class_name: str | None = None


class Ingress(Slim, frozen=True):
    """An Ingress."""

    metadata: Meta
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()


class IngressClass(Slim, frozen=True):
    """A kind of ingress controller that the cluster has."""

    metadata: Meta


class AutoscalerSpec(Slim, frozen=True):
    """A HorizontalPodAutoscaler as declared."""

    min_replicas: int = 1
    max_replicas: int = 1


class AutoscalerStatus(Slim, frozen=True):
    """What a HorizontalPodAutoscaler does."""

    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: list[Condition] = []


class Autoscaler(Slim, frozen=True):
    """A HorizontalPodAutoscaler."""

    metadata: Meta
    spec: AutoscalerSpec = AutoscalerSpec()
    status: AutoscalerStatus = AutoscalerStatus()


class ObjectReference(Slim, frozen=True):
    """What an event is about."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class Series(Slim, frozen=True):
    """How often an event came, in the newer form."""

    count: int = 0
    last_observed_time: str | None = None


class EventSource(Slim, frozen=True):
    """Who says so, in the older form."""

    component: str = ""


class Event(Slim, frozen=True):
    """Something that a component of the cluster reports."""

    metadata: Meta
    involved_object: ObjectReference = ObjectReference()
    type: str = "Normal"
    reason: str = ""
    message: str = ""
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: Series | None = None
    reporting_component: str = ""
    source: EventSource = EventSource()
