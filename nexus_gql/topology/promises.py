"""The names that a declared application has on its cluster once it is deployed.

Who calls one of them before that, or after it was removed, means this application, and not a Service that nobody knows.
"""

from msgspec import Struct

from nexus_gql.hierarchy import (
    Application,
    Document,
    exposed,
    governing_service,
    service_name,
    service_names,
    short_name,
)
from nexus_gql.live import APPLICATION_LABEL

from .graph import application_id
from .resolution import Service, Workload


class Promise(Struct, frozen=True, gc=False):
    """An application as its cluster would show it: what would run, and the Services that would select it."""

    workload: Workload
    services: tuple[Service, ...]


def promise(application: Application, namespace: str, document: Document) -> Promise | None:
    """What an application promises; nothing where it has no Service. `namespace`: the Kubernetes namespace."""
    names = service_names(application.path, document)
    if not names:
        return None
    labels = {APPLICATION_LABEL: application.id}
    governing = governing_service(application.path)
    ports = frozenset(spec["port"] for spec in exposed(document).values() if "port" in spec)
    services = [Service(namespace, governing, labels, ports=ports)] if governing in names else []
    if (called := service_name(application.path)) in names:
        services.append(Service(namespace, called, labels, ports=ports, awaits_address=True))
    workload = Workload(
        application_id(application.id),
        namespace,
        short_name(application.path),
        labels,
        governing if governing in names else "",
    )
    return Promise(workload, tuple(services))
