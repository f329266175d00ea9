"""What we keep of pods, and of the templates that they are made from."""

from .metadata import Condition, Meta, Slim


class Amounts(Slim, frozen=True):
    """CPU and memory as Kubernetes writes them; empty where nothing is said."""

    cpu: str = ""
    memory: str = ""


class Requirements(Slim, frozen=True):
    """A container's requests and limits."""

    requests: Amounts = Amounts()
    limits: Amounts = Amounts()


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


class KeyReference(Slim, frozen=True):
    """One key of a ConfigMap, or a ConfigMap as a whole."""

    name: str = ""
    key: str = ""


class ValueSource(Slim, frozen=True):
    """Where a variable's value comes from. Secrets are not read, so not even their names are kept."""

    config_map_key_ref: KeyReference | None = None


class Variable(Slim, frozen=True):
    """An environment variable."""

    name: str
    value: str = ""
    value_from: ValueSource | None = None


class VariablesSource(Slim, frozen=True):
    """A ConfigMap all of whose keys become variables."""

    prefix: str = ""
    config_map_ref: KeyReference | None = None


class ProjectedSource(Slim, frozen=True):
    """One of the sources of a projected volume."""

    config_map: KeyReference | None = None


class Projected(Slim, frozen=True):
    """A volume of several sources."""

    sources: list[ProjectedSource] = []


class Volume(Slim, frozen=True):
    """A volume, as far as it may hold a ConfigMap."""

    name: str
    config_map: KeyReference | None = None
    projected: Projected | None = None


class Blueprint(ContainerSpec, frozen=True):
    """A container with its texts: those of ten thousand pods would be the same texts a hundred times over."""

    command: list[str] = []
    args: list[str] = []
    env: list[Variable] = []
    env_from: list[VariablesSource] = []


class TemplateSpec(Slim, frozen=True):
    """What a workload's pods are made from, as far as it is read."""

    containers: list[Blueprint] = []
    init_containers: list[Blueprint] = []
    volumes: list[Volume] = []
    host_network: bool = False
    dns_policy: str = "ClusterFirst"


class TemplateMeta(Slim, frozen=True):
    """What the pods of a template are called by."""

    labels: dict[str, str] = {}


class Template(Slim, frozen=True):
    """A pod template."""

    metadata: TemplateMeta = TemplateMeta()
    spec: TemplateSpec = TemplateSpec()


class BareTemplateSpec(Slim, frozen=True):
    """A template without its texts: of a ReplicaSet, most of which are old."""

    containers: list[ContainerSpec] = []


class BareTemplate(Slim, frozen=True):
    """A pod template without its texts."""

    spec: BareTemplateSpec = BareTemplateSpec()
