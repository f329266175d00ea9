"""What can only be judged on effective settings: values after placeholders, and settings that must agree with each other."""

from collections.abc import Iterator
from typing import NamedTuple

from .declaration import Declaration
from .defaults import workload_kind
from .documents import Document
from .rules import read_quantity
from .settings import WorkloadKind
from .values import Fault, Json

_FILES_LIMIT = 1_000_000
_ANNOTATIONS_LIMIT = 256 * 1024


class Inconsistency(NamedTuple):
    """What is wrong with the effective settings of an application: the leaf at fault, and the fault inside it.

    `also`: other leaves that have to do with it, of which a patch may have set one.
    """

    key: str
    fault: Fault
    also: tuple[str, ...] = ()


def inconsistencies(document: Document, declaration: Declaration) -> list[Inconsistency]:
    """All that is wrong with an application's effective document, other than what is not yet set (see `missing`)."""
    found = [
        Inconsistency(key, fault)
        for key, value in document.items()
        if _has_text(value)
        for fault in declaration.leaf_faults(key, value)
    ]
    for check in _CHECKS:
        found.extend(check(document))
    return found


def missing(document: Document) -> list[Inconsistency]:
    """What a deployment needs and nobody has set."""
    found = []
    if document.get("image.repository") is None:
        remedy = "Set image.repository at the application or above it."
        found.append(
            Inconsistency("image.repository", Fault("No image is set, so there is nothing to run.", remedy=remedy))
        )
    if workload_kind(document) is WorkloadKind.CRON_JOB and document.get("schedule.cron") is None:
        found.append(Inconsistency("schedule.cron", Fault("A CRON_JOB needs a schedule: set schedule.cron.")))
    return found


def autoscaled(document: Document) -> bool:
    """Whether Kubernetes chooses the number of pods."""
    return document.get("autoscaling.max") is not None and workload_kind(document) in {
        WorkloadKind.DEPLOYMENT,
        WorkloadKind.STATEFUL_SET,
    }


def entries(document: Document, name: str) -> dict[str, Json]:
    """The named entries of a list in a document, by name."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in document.items() if key.startswith(prefix)}


def default_port(document: Document) -> str | None:
    """The port that is meant where none is named: `http`, else the first by name."""
    ports = entries(document, "ports")
    return "http" if "http" in ports else min(ports, default=None)


def _has_text(value: Json) -> bool:
    """Whether a value could have held a placeholder: others were checked when they were set."""
    return isinstance(value, str | dict | list)


def _runs_to_its_end(document: Document) -> bool:
    """Whether nobody calls it, so that probes and ingress rules that it inherits are not used."""
    return workload_kind(document) in {WorkloadKind.JOB, WorkloadKind.CRON_JOB}


def _probes(document: Document) -> Iterator[Inconsistency]:
    if _runs_to_its_end(document):
        return
    ports = entries(document, "ports")
    for name, probe in entries(document, "probes").items():
        if probe.get("command"):
            continue
        port = probe.get("port") or default_port(document)
        key = f"probes.{name}"
        if port is None:
            yield Inconsistency(
                key,
                Fault("The probe asks at a port, and the application has none.", ("port",)),
                ("ports.http", "ports"),
            )
        elif not _is_number(port) and port not in ports:
            there = f"there are {', '.join(sorted(ports))}" if ports else "there is none"
            yield Inconsistency(
                key, Fault(f"The application has no port `{port}`; {there}.", ("port",)), (f"ports.{port}", "ports")
            )
        elif not _is_number(port) and ports[port].get("protocol", "TCP") != "TCP":
            yield Inconsistency(
                key,
                Fault(f"A probe asks by TCP, and the port `{port}` is {ports[port]['protocol']}.", ("port",)),
                (f"ports.{port}",),
            )


def _is_number(port: str) -> bool:
    return port.isascii() and port.isdigit()


def _ports(document: Document) -> Iterator[Inconsistency]:
    seen: dict[tuple[int, str], str] = {}
    for name, port in sorted(entries(document, "ports").items()):
        if port.get("expose") is False:
            continue
        at = (port["port"], port.get("protocol", "TCP"))
        if at in seen:
            yield Inconsistency(
                f"ports.{name}",
                Fault(f"The ports `{seen[at]}` and `{name}` are both {at[0]} ({at[1]}).", ("port",)),
                (f"ports.{seen[at]}",),
            )
        seen.setdefault(at, name)


def _resources(document: Document) -> Iterator[Inconsistency]:
    for what in ("cpu", "memory"):
        request, limit = document.get(f"resources.{what}Request"), document.get(f"resources.{what}Limit")
        if request is None or limit is None:
            continue
        least, most = read_quantity(request), read_quantity(limit)
        if least is not None and most is not None and least > most:
            yield Inconsistency(
                f"resources.{what}Request",
                Fault(f"{request} is requested and the limit is {limit}, which is less."),
                (f"resources.{what}Limit",),
            )


def _rollout(document: Document) -> Iterator[Inconsistency]:
    bounds = {key: document.get(key) for key in ("rollout.maxSurge", "rollout.maxUnavailable")}
    surge, unavailable = bounds.values()
    workload = workload_kind(document)
    none = {bound for bound in bounds.values() if bound is not None and int(bound.rstrip("%")) == 0}
    if workload is WorkloadKind.DAEMON_SET and surge is None:
        none.add(None)  # which is Kubernetes' own default for it
    if workload is WorkloadKind.DEPLOYMENT and document.get("rollout.strategy") == "RECREATE":
        for key, value in bounds.items():
            if value is not None:
                fault = Fault("The strategy RECREATE ends all pods first and has no such bound.")
                yield Inconsistency(key, fault, also=("rollout.strategy", "resources.gpus"))
    elif workload in {WorkloadKind.DEPLOYMENT, WorkloadKind.DAEMON_SET} and none.issuperset({surge, unavailable}):
        remedy = "Allow one more (maxSurge) or one fewer (maxUnavailable)."
        fault = Fault("With neither a pod more nor one fewer a rolling update cannot begin.", remedy=remedy)
        yield Inconsistency("rollout.maxSurge", fault, also=("rollout.maxUnavailable",))
    elif workload is WorkloadKind.DAEMON_SET and not (surge is None or surge in none or unavailable in none):
        fault = Fault("A daemon set's rollout has pods more (maxSurge) or fewer (maxUnavailable), not both.")
        yield Inconsistency("rollout.maxSurge", fault, also=("rollout.maxUnavailable",))


def _autoscaling(document: Document) -> Iterator[Inconsistency]:
    least, most = document.get("autoscaling.min"), document.get("autoscaling.max")
    if most is None:
        if least is not None or document.get("autoscaling.cpuPercent") is not None:
            key = "autoscaling.min" if least is not None else "autoscaling.cpuPercent"
            yield Inconsistency(key, Fault("Autoscaling needs `max`, the most pods that there may be."))
    elif (least or 1) > most:
        fault = Fault(f"At least {least} pods and at most {most} cannot be.")
        yield Inconsistency("autoscaling.min", fault, also=("autoscaling.max",))


def _ingress(document: Document) -> Iterator[Inconsistency]:
    if _runs_to_its_end(document):
        return
    ports = {name: port for name, port in entries(document, "ports").items() if port.get("expose") is not False}
    numbers = {port["port"] for port in ports.values()}
    seen: dict[tuple[str | None, str], str] = {}
    for name, rule in sorted(entries(document, "ingress").items()):
        key, port = f"ingress.{name}", rule.get("port")
        if not ports:
            yield Inconsistency(key, Fault("An ingress rule needs a port, and the application offers none."))
        elif port is not None and not (int(port) in numbers if port.isdigit() else port in ports):
            there = ", ".join(sorted(ports))
            yield Inconsistency(key, Fault(f"The application offers no port `{port}`; there are {there}.", ("port",)))
        at = (rule.get("host"), rule.get("path") or "/")
        if at in seen:
            fault = Fault(f"The rule `{seen[at]}` has this host and path already.", ("host",))
            yield Inconsistency(key, fault, also=(f"ingress.{seen[at]}",))
        seen.setdefault(at, name)


def _volumes(document: Document) -> Iterator[Inconsistency]:
    mounted = {file["mountPath"]: f"file `{name}`" for name, file in entries(document, "files").items()}
    for name, volume in sorted(entries(document, "volumes").items()):
        key, path = f"volumes.{name}", volume["mountPath"]
        if workload_kind(document) is WorkloadKind.DAEMON_SET:
            yield Inconsistency(
                key, Fault("A daemon set has no volumes of its own: one cannot be on every node."), also=("workload",)
            )
        if path in mounted:
            yield Inconsistency(key, Fault(f"The {mounted[path]} is mounted at {path} already.", ("mountPath",)))
        mounted.setdefault(path, f"volume `{name}`")


def _files(document: Document) -> Iterator[Inconsistency]:
    seen: dict[str, str] = {}
    total = 0
    for name, file in sorted(entries(document, "files").items()):
        total += len(file["text"].encode())
        path = file["mountPath"]
        if path in seen:
            message = f"The files `{seen[path]}` and `{name}` are both mounted at {path}."
            yield Inconsistency(f"files.{name}", Fault(message, ("mountPath",)), (f"files.{seen[path]}",))
        seen.setdefault(path, name)
        if total > _FILES_LIMIT:
            yield Inconsistency(
                f"files.{name}", Fault(f"All files together hold at most {_FILES_LIMIT} bytes.", ("text",))
            )
            return


def _user(document: Document) -> Iterator[Inconsistency]:
    if document.get("securityContext.runAsNonRoot") is True and document.get("securityContext.runAsUser") == 0:
        yield Inconsistency(
            "securityContext.runAsUser",
            Fault("The user 0 is root, and runAsNonRoot refuses root."),
            ("securityContext.runAsNonRoot",),
        )


def _sizes(document: Document) -> Iterator[Inconsistency]:
    total = 0
    for name, value in entries(document, "annotations").items():
        total += len(name.encode()) + len(value.encode())
        if total > _ANNOTATIONS_LIMIT:
            yield Inconsistency(
                f"annotations.{name}",
                Fault(f"All annotations together hold at most {_ANNOTATIONS_LIMIT} bytes.", ("value",)),
            )
            return


_CHECKS = (_probes, _ports, _resources, _rollout, _autoscaling, _ingress, _files, _volumes, _user, _sizes)
