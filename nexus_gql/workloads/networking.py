"""How an application is reached: its Services, its ingress rules, and the addresses that these make."""

from typing import Any

from nexus_gql.hierarchy import (
    Document,
    WorkloadKind,
    default_port,
    entries,
    exposed,
    governing_service,
    object_name,
    service_name,
    workload_kind,
)

from .pod_template import target
from .rendering import Manifest, Rendering, metadata, selector


def services(rendering: Rendering) -> list[Manifest]:
    """The Service that others call, and for a StatefulSet the one that gives its pods their names."""
    found = []
    ports = service_ports(rendering.settings)
    if ports:
        found.append(_service(rendering, service_name(rendering.path), ports))
    if workload_kind(rendering.settings) is WorkloadKind.STATEFUL_SET:
        found.append(_service(rendering, governing_service(rendering.path), ports, {"clusterIP": "None"}))
    return found


def service_ports(settings: Document) -> list[dict[str, Any]]:
    """The ports that the Service offers, as a Service has them."""
    return [
        {"name": port, "port": spec["port"], "targetPort": target(spec), "protocol": spec.get("protocol", "TCP")}
        for port, spec in sorted(exposed(settings).items())
    ]


def _service(
    rendering: Rendering, called: str, ports: list[dict[str, Any]], extra: dict[str, Any] | None = None
) -> Manifest:
    spec = {"selector": selector(rendering), **({"ports": ports} if ports else {}), **(extra or {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(rendering, called), "spec": spec}


def ingresses(rendering: Rendering) -> list[Manifest]:
    """An Ingress for each rule: class, certificate and annotations are each rule's own."""
    settings = rendering.settings
    if not exposed(settings):
        return []
    return [_ingress(rendering, name, rule) for name, rule in sorted(entries(settings, "ingress").items())]


def _ingress(rendering: Rendering, name: str, rule: dict[str, Any]) -> Manifest:
    port = str(rule.get("port") or chosen_port(rendering.settings))
    number = {"number": int(port)} if port.isdigit() else {"name": port}
    backend = {"service": {"name": service_name(rendering.path), "port": number}}
    path = {"path": rule.get("path", "/"), "pathType": "Prefix", "backend": backend}
    spec: dict[str, Any] = {
        "rules": [{**({"host": rule["host"]} if "host" in rule else {}), "http": {"paths": [path]}}]
    }
    if "className" in rule:
        spec["ingressClassName"] = rule["className"]
    if "tlsSecret" in rule:
        hosts = {"hosts": [rule["host"]]} if "host" in rule else {}
        spec["tls"] = [{**hosts, "secretName": rule["tlsSecret"]}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(rendering, object_name(rendering.path, f"-{name}", limit=253), rule.get("annotations")),
        "spec": spec,
    }


def chosen_port(settings: Document) -> str | None:
    """The offered port that is meant where none is named."""
    return default_port({f"ports.{port}": spec for port, spec in exposed(settings).items()})


# ── addresses ──


def service_url(application: str, namespace: str, port_name: str, port: int) -> str:
    """The address of a port: a URL where the port's name says HTTP, else host and port.

    Port names begin with their protocol by Kubernetes' and Istio's convention (`http`, `http-metrics`, `https`, `grpc`).
    """
    address = f"{application}.{namespace}:{port}"
    scheme = port_name.partition("-")[0]
    return f"{scheme}://{address}" if scheme in {"http", "https"} else address


def ingress_urls(settings: Document) -> list[str]:
    """The addresses outside the cluster, by the rules' names; a rule without a host has none of its own."""
    if not exposed(settings):
        return []
    return [
        f"{'https' if 'tlsSecret' in rule else 'http'}://{rule['host']}{rule.get('path', '/').rstrip('/')}"
        for _, rule in sorted(entries(settings, "ingress").items())
        if "host" in rule and not rule["host"].startswith("*.")
    ]
