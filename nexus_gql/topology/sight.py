"""What is seen of one cluster, in the graph's terms: its names, what runs under them, and which node stands for it."""

from collections.abc import Callable, Iterable, Iterator

from nexus_gql.live import ApplicationState, ClusterView, Health, ObservedKind, Sighting, Template, Verdict
from nexus_gql.live import Workload as Observed
from nexus_gql.live.objects import IngressBackend

from .edges import Files
from .resolution import Backend, Service, Workload


def services(view: ClusterView) -> Iterator[Service]:
    """The Services; those of a headless one have no address of their own."""
    for one in view.services.all():
        spec = one.spec
        addresses = tuple(spec.cluster_i_ps or ([spec.cluster_i_p] if spec.cluster_i_p else []))
        yield Service(
            one.metadata.namespace,
            one.metadata.name,
            spec.selector,
            tuple(address for address in addresses if address != "None"),
            frozenset(port.port for port in spec.ports),
            spec.external_name if spec.type == "ExternalName" else "",
        )


def backends(view: ClusterView) -> Iterator[Backend]:
    """The ways in through Ingresses."""
    for one in view.ingresses.all():
        place = one.metadata.namespace, one.metadata.name
        if one.spec.default_backend is not None:
            yield from _backend(*place, "", "", one.spec.default_backend)
        for rule in one.spec.rules:
            for way in rule.http.paths:
                yield from _backend(*place, rule.host, way.path, way.backend)


def _backend(namespace: str, ingress: str, host: str, path: str, backend: IngressBackend) -> Iterator[Backend]:
    if (service := backend.service) is not None:
        port = service.port.name or (str(service.port.number) if service.port.number else "")
        yield Backend(namespace, ingress, host, path, service.name, port)


def workloads(view: ClusterView, seen: Iterable[Observed], node_of: Callable[[Observed], str]) -> Iterator[Workload]:
    """What runs, as it is declared on the cluster. Of bare pods and ReplicaSets the texts are not read: what they call is not known."""
    for one in seen:
        template, governing = _template(view, one)
        spec = template.spec
        yield Workload(
            node_of(one),
            one.meta.namespace,
            one.meta.name,
            template.metadata.labels or one.meta.labels,
            governing,
            (not spec.host_network and spec.dns_policy != "Default") or spec.dns_policy == "ClusterFirstWithHostNet",
            template,
        )


def _template(view: ClusterView, one: Observed) -> tuple[Template, str]:
    """A workload's pod template, and the Service that names its pods."""
    uid = one.meta.uid
    match one.kind:
        case ObservedKind.STATEFUL_SET:
            found = view.stateful_sets.get(uid)
            return (found.spec.template, found.spec.service_name) if found is not None else (Template(), "")
        case ObservedKind.CRON_JOB:
            job = view.cron_jobs.get(uid)
            return (job.spec.job_template.spec.template if job is not None else Template()), ""
        case ObservedKind.DEPLOYMENT | ObservedKind.DAEMON_SET | ObservedKind.JOB:
            item = view.by_kind[_KINDS[one.kind]].get(uid)
            return (item.spec.template if item is not None else Template()), ""
        case _:
            return Template(), ""


ANSWERING = frozenset({ObservedKind.DEPLOYMENT, ObservedKind.STATEFUL_SET, ObservedKind.DAEMON_SET})
"""The kinds that an application with a Service runs as."""
_KINDS = {ObservedKind.DEPLOYMENT: "Deployment", ObservedKind.DAEMON_SET: "DaemonSet", ObservedKind.JOB: "Job"}


def files(view: ClusterView, namespace: str) -> Files:
    """The texts of the ConfigMaps of a namespace that something refers to."""
    return {one.metadata.name: one.data for one in view.config_maps.store.in_namespace(namespace)}


def state(view: ClusterView | None, workload: Observed) -> ApplicationState:
    """How a workload that nobody declared is doing. It serves while a pod is ready; a job while its last run was well."""
    if workload.kind in {ObservedKind.JOB, ObservedKind.CRON_JOB}:
        serving = workload.verdict.status in {Health.HEALTHY, Health.SUSPENDED}
    else:
        serving = workload.replicas.ready > 0
    if view is None or view.sighting is Sighting.LOST:
        message = f"Its cluster cannot be reached. The last that was seen: {workload.verdict.message}"
        return ApplicationState(Verdict(Health.UNKNOWN, message, "ClusterUnreachable"), serving, stale=True)
    return ApplicationState(workload.verdict, serving, stale=view.lost_at is not None)
