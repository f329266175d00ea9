"""What the apiserver refuses to keep, in its words: 422 with a cause for each broken rule."""

from collections.abc import Callable, Iterator

from nexus_gql.sandbox import cron, immutability, names, pod_validation
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.names import Causes
from nexus_gql.sandbox.pod_validation import bad, count, forbidden, port_number, required, unsupported
from nexus_gql.sandbox.refusals import Cause, Object, invalid
from nexus_gql.sandbox.selectors import matches

_DATA_LIMIT = 1 << 20


def check(kind: Kind, old: Object | None, new: Object) -> None:
    """A Refusal with all that is wrong with the object, or with the step from the old one to it."""
    causes = list(_causes(kind, old, new))
    if causes:
        raise invalid(kind, new["metadata"].get("name", ""), causes)


def _causes(kind: Kind, old: Object | None, new: Object) -> Causes:
    yield from names.metadata(kind, old, new["metadata"])
    if old is not None:
        yield from immutability.changed(kind, old, new)
    rule = _RULES.get(kind.name)
    if rule is not None and (old is None or _content(old) != _content(new)):
        yield from rule(new)


def _content(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in {"metadata", "status"}}


# ── workloads ──


def _deployment(obj: Object) -> Causes:
    spec = obj["spec"]
    yield from count(spec, "replicas", "spec.replicas")
    yield from _selected_template(spec)
    yield from _strategy(spec.get("strategy", {}), "spec.strategy")
    yield from count(spec, "minReadySeconds", "spec.minReadySeconds")
    yield from count(spec, "revisionHistoryLimit", "spec.revisionHistoryLimit")
    deadline = spec.get("progressDeadlineSeconds", 600)
    yield from count(spec, "progressDeadlineSeconds", "spec.progressDeadlineSeconds")
    if deadline <= spec.get("minReadySeconds", 0):
        yield bad("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _strategy(strategy: Object, path: str) -> Causes:
    kind = strategy.get("type")
    if kind == "Recreate":
        if "rollingUpdate" in strategy:
            yield forbidden(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
        return
    if kind != "RollingUpdate":
        shown = {"Type": kind, "RollingUpdate": strategy.get("rollingUpdate")}
        yield unsupported(path, shown, ("Recreate", "RollingUpdate"))
        return
    bounds = strategy.get("rollingUpdate", {})
    broken = [
        cause
        for field in ("maxUnavailable", "maxSurge")
        if field in bounds
        for cause in count_or_percent(bounds[field], f"{path}.rollingUpdate.{field}")
    ]
    yield from broken
    if not broken and all(bounds.get(field) in {0, "0%"} for field in ("maxUnavailable", "maxSurge")):
        value = bounds["maxUnavailable"]
        yield bad(f"{path}.rollingUpdate.maxUnavailable", value, "may not be 0 when `maxSurge` is 0")


def count_or_percent(value: object, path: str) -> Causes:
    """A number from zero, or a percentage."""
    if isinstance(value, int):
        if value < 0:
            yield bad(path, value, names.NOT_NEGATIVE)
    elif not isinstance(value, str) or not names.PERCENT.fullmatch(value):
        yield bad(path, value, names.PERCENT_WORDS)
    elif path.endswith("maxUnavailable") and int(value[:-1]) > 100:
        yield bad(path, value, "must not be greater than 100%")


def _selected_template(spec: Object, *, restarts: tuple[str, ...] = ("Always",)) -> Causes:
    template = spec.get("template", {})
    labels = template.get("metadata", {}).get("labels", {})
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield bad("spec.selector", selector, "empty selector is invalid for deployment")
    if selector is None or not matches(selector, labels):
        yield bad("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from pod_validation.template(template, "spec.template", restarts=restarts)


def _replica_set(obj: Object) -> Causes:
    yield from count(obj["spec"], "replicas", "spec.replicas")
    yield from _selected_template(obj["spec"])


def _stateful_set(obj: Object) -> Causes:
    spec = obj["spec"]
    yield from count(spec, "replicas", "spec.replicas")
    yield from count(spec, "minReadySeconds", "spec.minReadySeconds")
    if spec.get("podManagementPolicy") not in {"OrderedReady", "Parallel"}:
        allowed = ("OrderedReady", "Parallel")
        yield unsupported("spec.podManagementPolicy", spec.get("podManagementPolicy"), allowed)
    claims = {claim.get("metadata", {}).get("name", "") for claim in spec.get("volumeClaimTemplates", ())}
    template = spec.get("template", {})
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    pod = template.get("spec", {})
    with_claims = {**template, "spec": {**pod, "volumes": [*_other(pod, claims), *volumes]}}
    yield from _selected_template({**spec, "template": with_claims})


def _other(pod: Object, claims: set[str]) -> list[Object]:
    return [volume for volume in pod.get("volumes", ()) if volume["name"] not in claims]


def _daemon_set(obj: Object) -> Causes:
    yield from _selected_template(obj["spec"])
    yield from count(obj["spec"], "minReadySeconds", "spec.minReadySeconds")


_JOB_RESTARTS = ("Never", "OnFailure")


def _job(obj: Object) -> Causes:
    yield from _job_spec(obj["spec"], "spec")


def _job_spec(spec: Object, path: str) -> Causes:
    for field in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        yield from count(spec, field, f"{path}.{field}")
    template = spec.get("template", {})
    policy = template.get("spec", {}).get("restartPolicy")
    yield from pod_validation.template(template, f"{path}.template", restarts=("Always", "OnFailure", "Never"))
    if policy not in _JOB_RESTARTS:
        field = f"{path}.template.spec.restartPolicy"
        if policy == "Always":
            yield Cause("FieldValueRequired", field, 'Required value: valid values: "OnFailure", "Never"')
        else:
            yield unsupported(field, policy, ("OnFailure", "Never"))


def _cron_job(obj: Object) -> Causes:
    spec = obj["spec"]
    schedule = spec.get("schedule", "")
    if not schedule:
        yield required("spec.schedule")
    elif len(schedule.split()) != 5 and not schedule.startswith("@"):
        words = f"expected exactly 5 fields, found {len(schedule.split())}: [{schedule}]"
        yield bad("spec.schedule", schedule, words)
    else:
        yield from _schedule(schedule)
    yield from count(spec, "startingDeadlineSeconds", "spec.startingDeadlineSeconds")
    policy = spec.get("concurrencyPolicy")
    if policy not in {"Allow", "Forbid", "Replace"}:
        yield unsupported("spec.concurrencyPolicy", policy, ("Allow", "Forbid", "Replace"))
    if len(obj["metadata"].get("name", "")) > 52:
        yield bad("metadata.name", obj["metadata"]["name"], "must be no more than 52 characters")
    yield from _job_spec(spec.get("jobTemplate", {}).get("spec", {}), "spec.jobTemplate.spec")


def _schedule(text: str) -> Causes:
    try:
        cron.parse(text)
    except ValueError as error:
        yield bad("spec.schedule", text, str(error))


def _autoscaler(obj: Object) -> Causes:
    spec = obj["spec"]
    if spec.get("maxReplicas", 0) < 1:
        yield bad("spec.maxReplicas", spec.get("maxReplicas", 0), "must be greater than 0")
    if spec.get("maxReplicas", 0) < spec.get("minReplicas", 1):
        yield bad("spec.maxReplicas", spec.get("maxReplicas", 0), "must be greater than or equal to `minReplicas`")
    if spec.get("minReplicas", 1) < 1:
        yield bad("spec.minReplicas", spec["minReplicas"], "must be greater than or equal to 1")
    for index, metric in enumerate(spec.get("metrics", ())):
        target = metric.get("resource", {}).get("target", {})
        if target.get("averageUtilization", 1) < 1:
            path = f"spec.metrics[{index}].resource.target.averageUtilization"
            yield bad(path, target["averageUtilization"], "must be greater than 0")
    if spec.get("minReplicas") == 0:
        yield forbidden(
            "spec.metrics", "must specify at least one Object or External metric to support scaling to zero replicas"
        )


# ── configuration ──


def _config_map(obj: Object) -> Causes:
    yield from _keys(obj, ("data", "binaryData"))


def _secret(obj: Object) -> Causes:
    yield from _keys(obj, ("data",))
    needed = {
        "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
        "kubernetes.io/tls": ("tls.crt", "tls.key"),
    }.get(obj.get("type", ""), ())
    for key in needed:
        if key not in obj.get("data", {}):
            yield required(f"data[{key}]")


def _keys(obj: Object, fields: tuple[str, ...]) -> Causes:
    size = 0
    for field in fields:
        for key, text in obj.get(field, {}).items():
            size += len(text.encode()) if field == "data" and obj["kind"] == "ConfigMap" else len(text) * 3 // 4
            if not names.CONFIG_KEY.fullmatch(key) or key in {".", ".."}:
                yield bad(f"{field}[{key}]", key, names.CONFIG_KEY_WORDS)
    if size > _DATA_LIMIT:
        field = "[]" if obj["kind"] == "ConfigMap" else "data"
        yield Cause("FieldValueTooLong", field, f"Too long: may not be more than {_DATA_LIMIT} bytes")


# ── network and storage ──


def _service(obj: Object) -> Causes:
    spec = obj["spec"]
    ports = spec.get("ports", [])
    kind = spec.get("type")
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required("spec.externalName")
    seen: set[str] = set()
    for index, port in enumerate(ports):
        yield from _service_port(port, f"spec.ports[{index}]", named=len(ports) > 1, seen=seen)
    yield from names.labels(spec.get("selector", {}), "spec.selector")
    if spec.get("sessionAffinity") not in {"ClientIP", "None"}:
        yield unsupported("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    allowed = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    if kind not in allowed:
        yield unsupported("spec.type", kind, allowed)
    yield from _same_ports(ports)


def _service_port(port: Object, path: str, *, named: bool, seen: set[str]) -> Causes:
    name = port.get("name", "")
    if named and not name:
        yield required(f"{path}.name")
    elif name:
        if not names.DNS_LABEL.fullmatch(name):
            yield bad(f"{path}.name", name, names.DNS_LABEL_WORDS)
        elif name in seen:
            yield pod_validation.duplicate(f"{path}.name", name)
        seen.add(name)
    yield from port_number(port.get("port", 0), f"{path}.port")
    if port.get("protocol") not in {"TCP", "UDP", "SCTP"}:
        yield unsupported(f"{path}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
    yield from pod_validation.port_or_name(port.get("targetPort", 0), f"{path}.targetPort")


def _same_ports(ports: list[Object]) -> Causes:
    seen: set[tuple[int, str]] = set()
    for index, port in enumerate(ports):
        key = (port.get("port", 0), port.get("protocol", "TCP"))
        if key in seen:
            shown = {"protocol": key[1], "port": key[0], "targetPort": 0}
            yield pod_validation.duplicate(f"spec.ports[{index}]", shown)
        seen.add(key)


_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def _ingress(obj: Object) -> Causes:
    spec = obj["spec"]
    if not spec.get("rules") and "defaultBackend" not in spec:
        message = "Invalid value: null: either `defaultBackend` or `rules` must be specified"
        yield Cause("FieldValueInvalid", "spec", message)
    for index, rule in enumerate(spec.get("rules", ())):
        path = f"spec.rules[{index}]"
        host = rule.get("host", "")
        if host and not names.HOST.fullmatch(host):
            words = names.WILDCARD_WORDS if host.startswith("*") else names.SUBDOMAIN_WORDS
            yield bad(f"{path}.host", host, words)
        for number, one in enumerate(rule.get("http", {}).get("paths", ())):
            yield from _ingress_path(one, f"{path}.http.paths[{number}]")


def _ingress_path(one: Object, path: str) -> Causes:
    kind, where = one.get("pathType"), one.get("path", "")
    if kind is None:
        yield Cause("FieldValueRequired", f"{path}.pathType", "Required value: pathType must be specified")
    elif kind not in _PATH_TYPES:
        yield unsupported(f"{path}.pathType", kind, _PATH_TYPES)
    elif kind != "ImplementationSpecific" and not where.startswith("/"):
        yield bad(f"{path}.path", where, "must be an absolute path")
    service = one.get("backend", {}).get("service")
    if service is None:
        return
    if not service.get("name"):
        yield required(f"{path}.backend.service.name")
    port = service.get("port", {})
    if not port:
        yield Cause("FieldValueRequired", f"{path}.backend", "Required value: port name or number is required")
    elif "number" in port:
        yield from port_number(port["number"], f"{path}.backend.service.port.number")


def _claim(obj: Object) -> Causes:
    spec = obj["spec"]
    if not spec.get("accessModes"):
        yield Cause("FieldValueRequired", "spec.accessModes", "Required value: at least 1 access mode is required")
    allowed = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
    for mode in spec.get("accessModes", ()):
        if mode not in allowed:
            yield unsupported("spec.accessModes", mode, allowed)
    storage = spec.get("resources", {}).get("requests", {}).get("storage")
    if storage is None:
        yield required("spec.resources[storage]")
    elif pod_validation.quantity(storage) <= 0:
        yield bad("spec.resources[storage]", storage, "must be greater than zero")


def _pod(obj: Object) -> Causes:
    yield from pod_validation.pod_spec(obj["spec"], "spec", restarts=("Always", "OnFailure", "Never"))


def known() -> Iterator[str]:
    """The kinds that have rules of their own."""
    yield from _RULES


_RULES: dict[str, Callable[[Object], Causes]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
    "HorizontalPodAutoscaler": _autoscaler,
    "ConfigMap": _config_map,
    "Secret": _secret,
    "Service": _service,
    "Ingress": _ingress,
    "PersistentVolumeClaim": _claim,
}
