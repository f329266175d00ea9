"""What we keep of Kubernetes objects: those that make pods, and what stands beside them."""

from .metadata import Condition, Meta, NotedMeta, Observed, Owner, Slim
from .pod_objects import (
    Amounts,
    BareTemplate,
    BareTemplateSpec,
    Blueprint,
    ContainerCondition,
    ContainerSpec,
    ContainerStatus,
    KeyReference,
    Pod,
    PodSpec,
    PodStatus,
    Projected,
    ProjectedSource,
    Requirements,
    Running,
    Template,
    TemplateSpec,
    Terminated,
    ValueSource,
    Variable,
    VariablesSource,
    Volume,
    Waiting,
)

__all__ = [
    "Amounts",
    "Autoscaler",
    "AutoscalerSpec",
    "AutoscalerStatus",
    "BareTemplate",
    "BareTemplateSpec",
    "Blueprint",
    "Claim",
    "ClaimStatus",
    "Condition",
    "ConfigMap",
    "ContainerCondition",
    "ContainerSpec",
    "ContainerStatus",
    "CronJob",
    "CronJobSpec",
    "CronJobStatus",
    "DaemonSet",
    "DaemonSetSpec",
    "DaemonSetStatus",
    "Deployment",
    "DeploymentSpec",
    "Endpoint",
    "EndpointConditions",
    "EndpointSlice",
    "Event",
    "EventSource",
    "Ingress",
    "IngressAddress",
    "IngressClass",
    "IngressSpec",
    "IngressStatus",
    "Job",
    "JobSpec",
    "JobStatus",
    "JobTemplate",
    "KeyReference",
    "KubernetesNamespace",
    "LoadBalancer",
    "Meta",
    "Node",
    "NodeInfo",
    "NodeSpec",
    "NodeStatus",
    "NotedMeta",
    "ObjectReference",
    "Observed",
    "Owner",
    "Pod",
    "PodSpec",
    "PodStatus",
    "Projected",
    "ProjectedSource",
    "ReplicaSet",
    "ReplicaSetSpec",
    "ReplicaStatus",
    "Requirements",
    "Running",
    "Series",
    "Service",
    "ServicePort",
    "ServiceSpec",
    "Slim",
    "StatefulSet",
    "StatefulSetSpec",
    "StatefulSetStatus",
    "Template",
    "TemplateSpec",
    "Terminated",
    "ValueSource",
    "Variable",
    "VariablesSource",
    "Volume",
    "Waiting",
]


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
    """A StatefulSet as declared. `service_name`: the Service that gives its pods their names."""

    replicas: int = 1
    service_name: str = ""
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
    template: BareTemplate = BareTemplate()


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
    cluster_i_ps: list[str] = []
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


class IngressPort(Slim, frozen=True):
    """A Service's port, by name or number."""

    name: str = ""
    number: int = 0


class IngressService(Slim, frozen=True):
    """The Service that a way leads to."""

    name: str = ""
    port: IngressPort = IngressPort()


class IngressBackend(Slim, frozen=True):
    """Where a way leads; to a Service, or to something that is not read."""

    service: IngressService | None = None


class IngressPath(Slim, frozen=True):
    """A way of one host."""

    path: str = ""
    backend: IngressBackend = IngressBackend()


class IngressPaths(Slim, frozen=True):
    """The ways of one host."""

    paths: list[IngressPath] = []


class IngressRule(Slim, frozen=True):
    """One host; an empty one is every host."""

    host: str = ""
    http: IngressPaths = IngressPaths()


class IngressSpec(Slim, frozen=True):
    """An Ingress as declared, as far as it is read."""

    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    rules: list[IngressRule] = []


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


class NodeSpec(Slim, frozen=True):
    """A node as an administrator wants it."""

    unschedulable: bool = False


class NodeInfo(Slim, frozen=True):
    """What runs on a node itself."""

    kubelet_version: str = ""


class NodeStatus(Slim, frozen=True):
    """A node as it is."""

    capacity: Amounts = Amounts()
    conditions: list[Condition] = []
    node_info: NodeInfo = NodeInfo()


class Node(Slim, frozen=True):
    """A node."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class KubernetesNamespace(Slim, frozen=True):
    """A namespace of a cluster: there is nothing but its name to it."""

    metadata: Meta


class ConfigMap(Slim, frozen=True):
    """A ConfigMap's texts; what is binary has no addresses in it."""

    metadata: Meta
    data: dict[str, str] = {}


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
