"""What can only be judged on effective settings: values after placeholders, and settings that must agree with each other."""

from collections.abc import Iterator
from typing import NamedTuple

from .declaration import Declaration
from .documents import Document
from .rules import read_quantity
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
    for check in (_probes, _ports, _resources, _rollout, _files, _user, _sizes):
        found.extend(check(document))
    return found


def missing(document: Document) -> list[Inconsistency]:
    """What a deployment needs and nobody has set."""
    if document.get("image.repository") is None:
        remedy = "Set image.repository at the application or above it."
        return [Inconsistency("image.repository", Fault("No image is set, so there is nothing to run.", remedy=remedy))]
    return []


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


def _probes(document: Document) -> Iterator[Inconsistency]:
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
    surge, unavailable = document.get("rollout.maxSurge"), document.get("rollout.maxUnavailable")
    if document.get("rollout.strategy") == "RECREATE":
        for key, value in (("rollout.maxSurge", surge), ("rollout.maxUnavailable", unavailable)):
            if value is not None:
                yield Inconsistency(
                    key,
                    Fault("The strategy RECREATE ends all pods first and has no such bound."),
                    ("rollout.strategy", "resources.gpus"),
                )
    elif surge in {"0", "0%"} and unavailable in {"0", "0%"}:
        remedy = "Allow one more (maxSurge) or one fewer (maxUnavailable)."
        yield Inconsistency(
            "rollout.maxSurge",
            Fault("With neither a pod more nor one fewer a rolling update cannot begin.", remedy=remedy),
            ("rollout.maxUnavailable",),
        )


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
