"""Every setting, declared once. Descriptions are what a GraphiQL user reads."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from . import cron, rules
from .declaration import Declaration, Group, Named, Single
from .values import Boolean, Choice, Fault, Field, Integer, Json, Pairs, Record, Records, Text, Texts, Variant

_LONG = 256 * 1024
_PORT = Integer(1, 65535)
_ID = Integer(0, 2**31 - 1)


class WorkloadKind(StrEnum):
    """What kind of Kubernetes workload an application becomes."""

    DEPLOYMENT = "DEPLOYMENT"
    STATEFUL_SET = "STATEFUL_SET"
    DAEMON_SET = "DAEMON_SET"
    JOB = "JOB"
    CRON_JOB = "CRON_JOB"


class CronConcurrency(StrEnum):
    """What becomes of a run that is due while the one before still goes on."""

    ALLOW = "ALLOW"
    FORBID = "FORBID"
    REPLACE = "REPLACE"


class Need(StrEnum):
    """How much an application needs another."""

    REQUIRED = "REQUIRED"
    OPTIONAL = "OPTIONAL"
    IGNORED = "IGNORED"


class RolloutStrategy(StrEnum):
    """How a new version takes the place of the old one."""

    ROLLING = "ROLLING"
    RECREATE = "RECREATE"


class PullPolicy(StrEnum):
    """Kubernetes' own words for when an image is pulled."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class Protocol(StrEnum):
    """Transport protocols of a port."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class TolerationOperator(StrEnum):
    """How a toleration is matched."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


def _one_of(words: type[StrEnum]) -> Text:
    """A text of the contract's (a String there) that must be one of some words."""

    def rule(text: str) -> str | None:
        return None if text in [word.value for word in words] else f"This is {', '.join(words)}; {text[:40]!r} is none."

    return Text(rule)


def _probe(probe: Mapping[str, Json]) -> Iterator[Fault]:
    ways = [name for name in ("httpPath", "command", "tcp") if probe.get(name) not in (None, False)]
    if len(ways) > 1:
        yield Fault(f"A probe asks in one way; this one has {' and '.join(ways)}.", (ways[1],))
    elif not ways:
        yield Fault("A probe needs a way to ask: httpPath, command or tcp.", remedy="Set `tcp: true` to only connect.")
    elif ways == ["command"] and not probe["command"]:
        yield Fault("The command of a probe cannot be empty.", ("command",))
    elif ways == ["command"] and probe.get("port") is not None:
        yield Fault("A probe by command has no port.", ("port",))


def _toleration(toleration: Mapping[str, Json]) -> Iterator[Fault]:
    operator = toleration.get("operator") or TolerationOperator.EQUAL
    if not toleration.get("key") and operator != TolerationOperator.EXISTS:
        yield Fault("Without a key the operator must be Exists, which tolerates everything.", ("operator",))
    if operator == TolerationOperator.EXISTS and toleration.get("value"):
        yield Fault("With the operator Exists there is no value.", ("value",))


PROBE = Record(
    "Probe",
    "ProbePatch",
    "A question asked of a container again and again: by HTTP, by a TCP connection, or by running a command in it.",
    (
        Field("httpPath", Text(rules.http_path), "Asks by HTTP GET; an answer from 200 to 399 is good. `/healthz`"),
        Field("port", Text(rules.port_reference), "The port's name or number; without it `http`, else the first port."),
        Field("command", Texts(Text(limit=_LONG)), "Asks by running this in the container; exit code 0 is good."),
        Field("tcp", Boolean(), "Asks by connecting to the port; that it opens is good."),
        Field("initialDelay", Text(rules.whole_seconds(0), "Duration"), "How long after the start to begin."),
        Field("period", Text(rules.whole_seconds(1), "Duration"), "How often to ask; without it `10s`."),
        Field("timeout", Text(rules.whole_seconds(1), "Duration"), "How long an answer may take; without it `1s`."),
        Field("failures", Integer(1, 2**31 - 1), "Bad answers in a row that count as failed; without it 3."),
    ),
    _probe,
)

SECRET_KEY = Record(
    "SecretKeyValue",
    "SecretKeyPatch",
    "A key of a Secret that already exists on the cluster.",
    (
        Field(
            "secret",
            Text(rules.subdomain),
            "The Secret's name, in the namespace that the application runs in.",
            required=True,
        ),
        Field("key", Text(rules.config_key), "The key in it.", required=True),
    ),
)

SERVICE = Record(
    "ServiceValue",
    "ServicePatch",
    "The address of another application, found at deployment; it is also a dependency.",
    (
        Field("ref", Text(rules.reference, "ApplicationRef"), "The other application.", required=True),
        Field("port", Text(rules.port_reference), "The name of its port; without it `http`, else its first."),
    ),
)

ENV_VALUE = Variant(
    "EnvValue",
    "EnvValuePatch",
    "What an environment variable holds: a text, a secret, a key of an existing Secret, or another application's address.",
    (
        Field("text", Text(limit=_LONG), "A plain text."),
        Field("secret", Text(limit=_LONG), "A secret: kept encrypted and never returned."),
        Field("secretKey", SECRET_KEY, SECRET_KEY.doc),
        Field("service", SERVICE, SERVICE.doc),
    ),
)

TOLERATION = Record(
    "Toleration",
    "TolerationPatch",
    "Lets pods run on nodes with a matching taint.",
    (
        Field("key", Text(rules.qualified_name), "The taint's key; without it every key."),
        Field("operator", _one_of(TolerationOperator), "`Equal` (without it) or `Exists`."),
        Field("value", Text(rules.label_value), "The taint's value, for `Equal`."),
        Field(
            "effect", _one_of(TaintEffect), "`NoSchedule`, `PreferNoSchedule` or `NoExecute`; without it every effect."
        ),
    ),
    _toleration,
)

_LABEL_NAME = Field("name", Text(), "Its name, with or without a DNS name and a slash before it.", required=True)


def _labels(name: str, doc: str, rule: rules.Rule, value: Text) -> Named:
    return Named(
        name, "Label", "LabelPatch", doc, _LABEL_NAME, rule, Field("value", value, "Its value.", required=True)
    )


SETTINGS = Declaration(
    Single(
        "workload",
        Choice(WorkloadKind),
        "What kind of workload it becomes. `DEPLOYMENT`: pods that are all alike. `STATEFUL_SET`: pods with names and volumes of "
        "their own. `DAEMON_SET`: one pod on each node. `JOB`: runs to its end once for each deployment. `CRON_JOB`: by a schedule.",
    ),
    Group(
        "image",
        "ImageSettings",
        "ImagePatch",
        "The container image that runs.",
        (
            Single(
                "repository",
                Text(rules.repository),
                "Where the image is, without tag: `ghcr.io/or/churn`.",
                drops=("digest",),
            ),
            Single("tag", Text(rules.tag), "Its tag; without tag and digest `latest`.", drops=("digest",)),
            Single("digest", Text(rules.digest), "Exactly this image, whatever the tag says by now: `sha256:…`."),
            Single(
                "pullPolicy",
                _one_of(PullPolicy),
                "`Always`, `IfNotPresent` or `Never`; without it Kubernetes decides: `Always` for the tag `latest`.",
            ),
            Single(
                "pullSecret",
                Text(rules.subdomain),
                "A Secret on the cluster with the credentials of the image's registry (`kubernetes.io/dockerconfigjson`).",
            ),
        ),
    ),
    Single(
        "replicas",
        Integer(0, 10_000),
        "How many pods run at the same time. Not used where autoscaling is effective, nor by daemon sets and jobs.",
    ),
    Group(
        "autoscaling",
        "Autoscaling",
        "AutoscalingPatch",
        "Lets Kubernetes choose the number of pods by their CPU, for deployments and stateful sets. Effective once `max` is set.",
        (
            Single("min", Integer(1, 10_000), "At least so many pods; without it 1."),
            Single("max", Integer(1, 10_000), "At most so many pods."),
            Single(
                "cpuPercent",
                Integer(1, 10_000),
                "The share of its CPU request that a pod should use on average; without it 80.",
            ),
        ),
    ),
    Group(
        "rollout",
        "RolloutSettings",
        "RolloutPatch",
        "How a new version takes the place of the old one. deadline: how long it may go without progress.",
        (
            Single("strategy", Choice(RolloutStrategy), "`ROLLING`: pod by pod. `RECREATE`: all old ones end first."),
            Single(
                "maxSurge",
                Text(rules.count_or_percent),
                "How many pods more than wanted there may be meanwhile: `1` or `25%`.",
            ),
            Single(
                "maxUnavailable",
                Text(rules.count_or_percent),
                "How many pods fewer than wanted may be ready meanwhile.",
            ),
            Single(
                "deadline",
                Text(rules.whole_seconds(1), "Duration"),
                "How long a rollout may go without progress before it has failed.",
            ),
        ),
    ),
    Group(
        "schedule",
        "CronSettings",
        "CronPatch",
        "When a `CRON_JOB` runs.",
        (
            Single("cron", Text(cron.schedule), "Minute, hour, day of the month, month, day of the week: `0 3 * * *`."),
            Single("timezone", Text(cron.timezone), "Whose clock is meant: `Europe/Berlin`; without it UTC, mostly."),
            Single(
                "concurrency",
                Choice(CronConcurrency),
                "What happens when the run before is not over; without it `ALLOW`.",
            ),
            Single("suspended", Boolean(), "Whether nothing is run for now."),
        ),
    ),
    Group(
        "job",
        "JobSettings",
        "JobPatch",
        "How a `JOB`, or each run of a `CRON_JOB`, goes about its work.",
        (
            Single("completions", Integer(1, 100_000), "How many pods must succeed; without it 1."),
            Single("parallelism", Integer(1, 10_000), "How many pods run at the same time; without it 1."),
            Single("retries", Integer(0, 1000), "How often a failed pod is tried again; without it 6."),
            Single(
                "timeLimit",
                Text(rules.whole_seconds(1), "Duration"),
                "How long the whole may take before it is ended as failed.",
            ),
            Single(
                "keepFinished",
                Text(rules.whole_seconds(0), "Duration"),
                "How long a run that is over stays to be looked at; without it until the next deployment.",
            ),
        ),
    ),
    Single(
        "command",
        Texts(Text(limit=_LONG)),
        "Replaces the image's entrypoint; the shell is not involved.",
        drops=("args",),
    ),
    Single("args", Texts(Text(limit=_LONG)), "Replaces the image's arguments."),
    Named(
        "env",
        "EnvVar",
        "EnvVarPatch",
        "Environment variables of the container.",
        Field("name", Text(), "The variable's name.", required=True),
        rules.env_name,
        Field("value", ENV_VALUE, ENV_VALUE.doc, required=True),
    ),
    Named(
        "ports",
        "Port",
        "PortPatch",
        "Ports that the container listens on and its Service offers. expose: in the Service (unless false).",
        Field("name", Text(), "The port's name, such as `http` or `grpc`.", required=True),
        rules.port_name,
        Record(
            "Port",
            "PortPatch",
            "A port.",
            (
                Field("port", _PORT, "The port at which others reach it.", required=True),
                Field("targetPort", _PORT, "The port that the container listens on, where it differs."),
                Field("protocol", _one_of(Protocol), "`TCP` (without it), `UDP` or `SCTP`."),
                Field("expose", Boolean(), "Whether the Service offers it; true unless set to false."),
            ),
        ),
    ),
    Named(
        "ingress",
        "IngressRule",
        "IngressPatch",
        "Addresses at which it can be reached from outside the cluster, through an ingress controller.",
        Field("name", Text(), "A name for the rule.", required=True),
        rules.label,
        Record(
            "IngressRule",
            "IngressPatch",
            "An address outside the cluster.",
            (
                Field("host", Text(rules.host), "The host name: `churn.example.org`; without it every one."),
                Field("path", Text(rules.ingress_path), "Everything from this path on; without it `/`."),
                Field(
                    "port", Text(rules.port_reference), "The port's name or number; without it `http`, else the first."
                ),
                Field("className", Text(rules.subdomain), "The ingress class; without it the cluster's default."),
                Field("tlsSecret", Text(rules.subdomain), "A Secret with the certificate for the host."),
                Field(
                    "annotations",
                    Pairs(rules.own_qualified_name, Text(limit=_LONG)),
                    "Annotations for the ingress controller.",
                    listed=True,
                ),
            ),
        ),
    ),
    Group(
        "resources",
        "ResourceSettings",
        "ResourcePatch",
        "What one pod is given and may use at most. gpus: nvidia.com/gpu.",
        (
            Single(
                "cpuRequest",
                Text(rules.cpu_quantity, "Quantity"),
                "CPU that is kept free for it: `250m` is a quarter of a core.",
            ),
            Single("cpuLimit", Text(rules.cpu_quantity, "Quantity"), "CPU at which it is slowed down."),
            Single(
                "memoryRequest", Text(rules.memory_quantity, "Quantity"), "Memory that is kept free for it: `512Mi`."
            ),
            Single(
                "memoryLimit",
                Text(rules.memory_quantity, "Quantity"),
                "Memory at which it is killed and started again.",
            ),
            Single("gpus", Integer(0, 1024), "NVIDIA GPUs for it alone."),
        ),
    ),
    Group(
        "probes",
        "ProbeSettings",
        "ProbesPatch",
        "How Kubernetes finds out how a container is doing. Each probe is replaced as a whole.",
        (
            Single("liveness", PROBE, "Restarts the container when it fails."),
            Single("readiness", PROBE, "Takes the pod out of its Service while it fails."),
            Single("startup", PROBE, "Holds the other two back until it has succeeded once."),
        ),
    ),
    Named(
        "files",
        "FileMount",
        "FilePatch",
        "Files put into the container. mountPath: the file's own path in the container.",
        Field("name", Text(), "A name for the file, such as `config.yaml`.", required=True),
        rules.config_key,
        Record(
            "FileMount",
            "FilePatch",
            "A file put into the container.",
            (
                Field("mountPath", Text(rules.absolute_path), "The file's own path in the container.", required=True),
                Field("text", Text(limit=1_000_000), "What it holds.", required=True, nullable=True),
            ),
        ),
    ),
    Named(
        "volumes",
        "VolumeSettings",
        "VolumePatch",
        "Storage that outlives the pods: for a `STATEFUL_SET` one for each pod, else one that its pods share. Not for daemon sets.",
        Field("name", Text(), "A name for the volume.", required=True),
        rules.label,
        Record(
            "VolumeSettings",
            "VolumePatch",
            "Storage that outlives the pods.",
            (
                Field("mountPath", Text(rules.absolute_path), "Where it is in the container.", required=True),
                Field("size", Text(rules.positive_quantity, "Quantity"), "How much: `10Gi`.", required=True),
                Field("storageClass", Text(rules.subdomain), "The storage class; without it the cluster's default."),
            ),
        ),
    ),
    Single(
        "serviceAccount",
        Text(rules.subdomain),
        "The Kubernetes service account it runs as; it must exist. Without it `default`.",
    ),
    _labels(
        "labels",
        "Labels of everything it is made of on the cluster.",
        rules.own_qualified_name,
        Text(rules.label_value),
    ),
    _labels(
        "annotations",
        "Annotations of everything it is made of on the cluster.",
        rules.own_qualified_name,
        Text(limit=_LONG),
    ),
    _labels("nodeSelector", "Only nodes with these labels may run it.", rules.qualified_name, Text(rules.label_value)),
    Single("tolerations", Records(TOLERATION), "Taints of nodes that it tolerates."),
    Group(
        "securityContext",
        "SecurityContext",
        "SecurityContextPatch",
        "As whom it runs and what it may write.",
        (
            Single("runAsUser", _ID, "The user's number."),
            Single("runAsGroup", _ID, "The group's number."),
            Single("runAsNonRoot", Boolean(), "Refuse to start as root."),
            Single("readOnlyRootFilesystem", Boolean(), "Nothing in the image's own files can be written."),
            Single("fsGroup", _ID, "The group that owns mounted volumes."),
        ),
    ),
    Single(
        "terminationGrace",
        Text(rules.whole_seconds(0), "Duration"),
        "How long it may take to end after SIGTERM; without it `30s`.",
    ),
    Named(
        "dependsOn",
        "DependencySetting",
        "DependencyPatch",
        "Other applications that it needs, where its variables do not say so already.",
        Field("ref", Text(scalar="ApplicationRef"), "The other application.", required=True),
        rules.reference,
        Record(
            "DependencySetting",
            "DependencyPatch",
            "Another application that is needed. need overrides what was found elsewhere: IGNORED silences it.",
            (Field("need", Choice(Need), "How much it is needed.", default=Need.REQUIRED),),
        ),
    ),
)
