"""What the apiserver refuses in a pod, or in the template of one."""

import re
from collections.abc import Iterator
from decimal import Decimal

from nexus_gql.sandbox import names, quantities
from nexus_gql.sandbox.names import Causes
from nexus_gql.sandbox.refusals import Object
from nexus_gql.sandbox.shown import bad, duplicate, forbidden, missing, required, unsupported

_PORT_WORDS = "must be between 1 and 65535, inclusive"
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_ENV_NAME = re.compile(r"[^=\x00-\x1f\x7f]+")
_POLICIES = ("Always", "IfNotPresent", "Never")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_SOURCES = ("emptyDir", "hostPath", "secret", "nfs", "persistentVolumeClaim", "downwardAPI", "configMap", "projected")
_NAMED = {"secret": "secretName", "persistentVolumeClaim": "claimName", "configMap": "name"}
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

__all__ = ["bad", "count", "duplicate", "forbidden", "pod_spec", "port_number", "required", "template", "unsupported"]


def template(found: Object, path: str, *, restarts: tuple[str, ...]) -> Causes:
    """What is wrong with a pod template."""
    metadata = found.get("metadata", {})
    yield from names.labels(metadata.get("labels", {}), f"{path}.labels")
    yield from names.annotations(metadata.get("annotations", {}), f"{path}.annotations")
    yield from pod_spec(found.get("spec", {}), f"{path}.spec", restarts=restarts)


def pod_spec(spec: Object, path: str, *, restarts: tuple[str, ...]) -> Causes:
    """What is wrong with a pod's spec."""
    volumes: set[str] = set()
    yield from _volumes(spec, f"{path}.volumes", volumes)
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    seen: set[str] = set()
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field, ())):
            yield from _container(container, f"{path}.{field}[{index}]", seen, volumes)
    if spec.get("restartPolicy") not in restarts:
        yield unsupported(f"{path}.restartPolicy", spec.get("restartPolicy"), restarts)
    if spec.get("dnsPolicy") not in _DNS:
        yield unsupported(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS)
    yield from names.labels(spec.get("nodeSelector", {}), f"{path}.nodeSelector")
    if spec.get("serviceAccountName"):
        yield from names.subdomain(spec["serviceAccountName"], f"{path}.serviceAccountName")
    for index, toleration in enumerate(spec.get("tolerations", ())):
        yield from _toleration(toleration, f"{path}.tolerations[{index}]")
    yield from _identities(spec.get("securityContext", {}), f"{path}.securityContext")


def _identities(context: Object, path: str) -> Causes:
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        if not 0 <= context.get(field, 0) <= 2147483647:
            yield bad(f"{path}.{field}", context[field], "must be between 0 and 2147483647, inclusive")


def _toleration(toleration: Object, path: str) -> Causes:
    operator = toleration.get("operator", "")
    if toleration.get("key"):
        yield from names.labels({toleration["key"]: ""}, f"{path}.key")
    elif operator != "Exists":
        why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield bad(f"{path}.operator", operator, why)
    if toleration.get("tolerationSeconds") is not None and toleration.get("effect") != "NoExecute":
        why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield bad(f"{path}.effect", toleration.get("effect", ""), why)
    if operator not in {"", "Equal", "Exists"}:
        yield unsupported(f"{path}.operator", operator, ("Equal", "Exists"))
    elif operator == "Exists" and toleration.get("value"):
        yield bad(f"{path}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
    if toleration.get("effect", "") not in {"", *_EFFECTS}:
        yield unsupported(f"{path}.effect", toleration["effect"], _EFFECTS)


# ── containers ──


def _container(container: Object, path: str, seen: set[str], volumes: set[str]) -> Causes:
    name = container.get("name", "")
    if not name:
        yield required(f"{path}.name")
    elif not names.DNS_LABEL.fullmatch(name):
        yield bad(f"{path}.name", name, names.DNS_LABEL_WORDS)
    elif name in seen:
        yield duplicate(f"{path}.name", name)
    seen.add(name)
    image = container.get("image", "")
    if not image:
        yield required(f"{path}.image")
    yield from _ports(container.get("ports", ()), f"{path}.ports")
    yield from _environment(container.get("env", ()), f"{path}.env")
    yield from _mounts(container.get("volumeMounts", ()), f"{path}.volumeMounts", volumes)
    for field in ("livenessProbe", "readinessProbe", "startupProbe"):
        if field in container:
            yield from _probe(container[field], f"{path}.{field}", once=field != "readinessProbe")
    if container.get("imagePullPolicy") not in _POLICIES:
        yield unsupported(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), _POLICIES)
    yield from _resources(container.get("resources", {}), f"{path}.resources")
    yield from _identities(container.get("securityContext", {}), f"{path}.securityContext")


def _ports(ports: object, path: str) -> Causes:
    seen: set[str] = set()
    for index, port in enumerate(_items(ports)):
        name = port.get("name", "")
        if name:
            yield from _port_name(name, f"{path}[{index}].name")
            if name in seen:
                yield duplicate(f"{path}[{index}].name", name)
            seen.add(name)
        if not port.get("containerPort"):
            yield required(f"{path}[{index}].containerPort")
        else:
            yield from port_number(port["containerPort"], f"{path}[{index}].containerPort")
        if port.get("protocol") not in {"TCP", "UDP", "SCTP"}:
            yield unsupported(f"{path}[{index}].protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))


def _items(found: object) -> Iterator[Object]:
    if isinstance(found, (list, tuple)):
        yield from found


def port_number(number: int, path: str) -> Causes:
    """What is wrong with a port's number."""
    if not 1 <= number <= 65535:
        yield bad(path, number, _PORT_WORDS)


def port_or_name(port: object, path: str) -> Causes:
    """What is wrong with a port that is given by number or by name."""
    if isinstance(port, int):
        yield from port_number(port, path)
    elif isinstance(port, str):
        yield from _port_name(port, path)


def _port_name(name: str, path: str) -> Causes:
    if _PORT_NAME.fullmatch(name):
        return
    if len(name) > 15:
        yield bad(path, name, "must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", name):
        yield bad(path, name, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    elif not re.search(r"[a-z]", name):
        yield bad(path, name, "must contain at least one letter (a-z)")
    if "--" in name:
        yield bad(path, name, "must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        yield bad(path, name, "must not begin or end with a hyphen")


def _environment(variables: object, path: str) -> Causes:
    for index, variable in enumerate(_items(variables)):
        name = variable.get("name", "")
        if not name:
            yield required(f"{path}[{index}].name")
        elif not _ENV_NAME.fullmatch(name):
            why = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            yield bad(f"{path}[{index}].name", name, why)
        source = variable.get("valueFrom")
        if source is None:
            continue
        if not source:
            words = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            yield bad(f"{path}[{index}].valueFrom", "", words)
        if variable.get("value"):
            yield bad(f"{path}[{index}].valueFrom", "", "may not be specified when `value` is not empty")
        for field in ("secretKeyRef", "configMapKeyRef"):
            if field in source:
                yield from _key_reference(source[field], f"{path}[{index}].valueFrom.{field}")


def _key_reference(reference: Object, path: str) -> Causes:
    yield from names.subdomain(reference.get("name", ""), f"{path}.name")
    key = reference.get("key", "")
    if not key:
        yield required(f"{path}.key")
    elif not names.CONFIG_KEY.fullmatch(key):
        yield bad(f"{path}.key", key, names.CONFIG_KEY_WORDS)


def _mounts(mounts: object, path: str, volumes: set[str]) -> Causes:
    seen: set[str] = set()
    for index, mount in enumerate(_items(mounts)):
        name, where = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{path}[{index}].name")
        if not where:
            yield required(f"{path}[{index}].mountPath")
        if name not in volumes:
            yield missing(f"{path}[{index}].name", name)
        if where in seen:
            yield bad(f"{path}[{index}].mountPath", where, "must be unique")
        seen.add(where)
        sub = mount.get("subPath", "")
        if sub.startswith("/"):
            yield bad(f"{path}.subPath", sub, "must be a relative path")
        if ".." in sub.split("/"):
            yield bad(f"{path}.subPath", sub, "must not contain '..'")


def _volumes(spec: Object, path: str, found: set[str]) -> Causes:
    for index, volume in enumerate(spec.get("volumes", ())):
        name = volume.get("name", "")
        if not name:
            yield required(f"{path}[{index}].name")
        elif not names.DNS_LABEL.fullmatch(name):
            yield bad(f"{path}[{index}].name", name, names.DNS_LABEL_WORDS)
        elif name in found:
            yield duplicate(f"{path}[{index}].name", name)
        sources = [source for source in _SOURCES if source in volume]
        for source in sources[1:]:
            yield forbidden(f"{path}[{index}].{source}", "may not specify more than 1 volume type")
        for source, field in _NAMED.items():
            if source in volume and not volume[source].get(field):
                yield required(f"{path}[{index}].{source}.{field}")
        found.add(name)


def _probe(probe: Object, path: str, *, once: bool) -> Causes:
    handlers = [handler for handler in _HANDLERS if handler in probe]
    if not handlers:
        yield required(path, "must specify a handler type")
    for extra in handlers[1:]:
        yield forbidden(f"{path}.{extra}", "may not specify more than 1 handler type")
    if "exec" in probe and not probe["exec"].get("command"):
        yield required(f"{path}.exec.command")
    for handler in ("httpGet", "tcpSocket"):
        if handler in probe:
            yield from port_or_name(probe[handler].get("port", 0), f"{path}.{handler}.port")
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        yield from count(probe, field, f"{path}.{field}")
    if once and probe.get("successThreshold", 1) != 1:
        yield bad(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _resources(resources: Object, path: str) -> Causes:
    limits = resources.get("limits", {})
    requests = resources.get("requests", {})
    for side, amounts in (("limits", limits), ("requests", requests)):
        for what, amount in amounts.items():
            if quantity(amount) < 0:
                yield bad(f"{path}.{side}[{what}]", amount, names.NOT_NEGATIVE)
    for what, amount in requests.items():
        limit = limits.get(what)
        if limit is not None and quantity(amount) > quantity(limit):
            yield bad(f"{path}.requests", amount, f"must be less than or equal to {what} limit of {limit}")
        elif "/" in what and limit is None:
            yield required(f"{path}.limits", "Limit must be set for non overcommitable resources")
        elif "/" in what and amount != limit:
            yield bad(f"{path}.requests", amount, f"must be equal to {what} limit of {limit}")
    for what in limits:
        if "/" in what and what not in requests:
            continue
        if what not in {"cpu", "memory", "ephemeral-storage"} and "/" not in what and not what.startswith("hugepages-"):
            yield bad(f"{path}.limits[{what}]", what, "must be a standard resource type or fully qualified")
            yield bad(f"{path}.limits[{what}]", what, "must be a standard resource for containers")


def quantity(text: str) -> Decimal:
    """The number that a quantity stands for."""
    return quantities.parse(text)


def count(fields: Object, name: str, path: str) -> Causes:
    """What is wrong with a number that counts something, where it is given."""
    if fields.get(name, 0) < 0:
        yield bad(path, fields[name], names.NOT_NEGATIVE)
