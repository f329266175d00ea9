"""From a host to the workloads behind it: first as the cluster's DNS would from a namespace, then by the Service's selector.

Nothing is guessed from names: that a workload is called like a host means nothing.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from nexus_gql.live import ApplicationState, Health, Template, Verdict

from .addresses import Address, Certainty, as_ip, external
from .graph import End, Node, NodeKind, external_id, ingress_id, missing_id

_ALIASES = 8
"""How many ExternalNames are followed: they may lead in a circle."""


class Service(Struct, frozen=True, gc=False):
    """A Service. `addresses`: its cluster IPs; a headless one has none. `external_name`: what it is another name for.

    `awaits_address`: it is only promised (`promises`), and not headless: it will have an address.
    """

    namespace: str
    name: str
    selector: Mapping[str, str] = {}
    addresses: tuple[str, ...] = ()
    ports: frozenset[int] = frozenset()
    external_name: str = ""
    awaits_address: bool = False

    @property
    def headless(self) -> bool:
        """Whether its name leads to the pods themselves, so that any port of theirs may be called."""
        return not self.addresses and not self.awaits_address

    @property
    def words(self) -> tuple[str, ...]:
        """Its name and its addresses: one of them is among the words of any host that leads to it."""
        return self.name, *map(_canonical, self.addresses)


class Workload(Struct, frozen=True, gc=False):
    """What runs: `node` is the one that stands for it, `labels` are its pods'. `governing`: the Service that names a StatefulSet's pods.

    `cluster_dns`: its pods ask the cluster's DNS; those with the node's network or `dnsPolicy: Default` do not.
    """

    node: str
    namespace: str
    name: str
    labels: Mapping[str, str] = {}
    governing: str = ""
    cluster_dns: bool = True
    template: Template = Template()


class Backend(Struct, frozen=True, gc=False):
    """One way through an Ingress; an empty host is every host."""

    namespace: str
    ingress: str
    host: str
    path: str
    service: str
    port: str = ""


class Target(Struct, frozen=True, gc=False):
    """The nodes that an address leads to; `end` where the node is there only for that. `note`: what is odd about it."""

    nodes: tuple[str, ...]
    end: End | None = None
    note: str = ""


NOTHING = Target(())
"""A name that the cluster has, and that leads to no node."""


_Running = tuple[str, str, str, str, frozenset[tuple[str, str]]]
"""What of a workload has a part in what names mean: namespace, node, name, governing Service, labels. Its template has none."""


class Cluster:
    """The names of one cluster at one moment."""

    def __init__(
        self,
        key: str,
        services: Iterable[Service],
        workloads: Iterable[Workload],
        backends: Iterable[Backend] = (),
        domain: str = "cluster.local",
    ) -> None:
        self.key = key
        self._zone = f".svc.{domain}"
        self._domain = domain
        self._services = {(service.namespace, service.name): service for service in services}
        self._by_address = {_canonical(ip): service for service in self._services.values() for ip in service.addresses}
        self._namespaces = {namespace for namespace, _ in self._services}
        self._by_label: dict[tuple[str, str, str], list[Workload]] = {}
        self._sets: dict[tuple[str, str], Workload] = {}
        self._running: set[_Running] = set()
        for workload in workloads:
            self._namespaces.add(workload.namespace)
            for label, value in workload.labels.items():
                self._by_label.setdefault((workload.namespace, label, value), []).append(workload)
            if workload.governing:
                self._sets[workload.namespace, workload.name] = workload
            self._running.add(_running(workload))
        self._backends: dict[str, list[Backend]] = {}
        for backend in backends:
            self._backends.setdefault(backend.host.lower(), []).append(backend)

    def moved_since(self, before: "Cluster") -> set[str]:
        """Words of which one is in every host that may lead elsewhere than it did (`words_of`); none where no name changed."""
        moved = self._namespaces ^ before._namespaces
        changed = self._running ^ before._running
        labels = {(namespace, *label) for namespace, *_, own in changed for label in own}
        for service in (*self._services.values(), *before._services.values()):
            key = service.namespace, service.name
            otherwise = self._services.get(key) != before._services.get(key)
            if otherwise or (changed and _may_select(service, labels)):
                moved.update(service.words)
        if moved or self._backends != before._backends:
            moved.update(self._leading_on(), before._leading_on())
        return moved

    def _leading_on(self) -> Iterator[str]:
        """Words of what leads to further names, any of which may have moved: ingress hosts, and other names of a Service."""
        for service in self._services.values():
            if service.external_name:
                yield from service.words
        yield from (host.rstrip(".") for host in self._backends)

    def resolve(self, address: Address, namespace: str, *, dns: bool = True) -> Target:
        """What an address means to a pod in a namespace; NOTHING where it means nothing that is called."""
        ip = as_ip(address.host)
        if ip is not None:
            service = self._by_address.get(str(ip))
            return self._outside(address) if service is None else self._behind(service, address)
        for name in self._candidates(address.host, namespace) if dns else ():
            if (target := self._named(name, address)) is not None:
                return target
        return self._unknown(address, namespace, dns=dns)

    def behind(self, service: Service) -> tuple[str, ...]:
        """The nodes of the workloads that a Service selects."""
        return tuple(sorted({workload.node for workload in self._selected(service)}))

    def entrances(self) -> Mapping[str, list[Backend]]:
        """The ways in by host."""
        return self._backends

    def backend(self, backend: Backend) -> Target:
        """What an ingress rule leads to."""
        service = self._services.get((backend.namespace, backend.service))
        if service is None:
            return self._missing(backend.namespace, backend.service)
        return self._behind(service, Address(backend.service))

    def leads_back(self, host: str, node: str) -> bool:
        """Whether a host is an ingress host behind which a node itself answers."""
        return any(node in self.backend(backend).nodes for backend in self._backends.get(host, ()))

    # ── names ──

    def _candidates(self, host: str, namespace: str) -> list[str]:
        """The complete names that a resolver tries, in its order (the search list, with ndots 5)."""
        if host.endswith("."):
            return [host[:-1]]
        searched = [f"{host}.{namespace}{self._zone}", f"{host}{self._zone}", f"{host}.{self._domain}"]
        return [host, *searched] if host.count(".") >= 5 else [*searched, host]

    def _named(self, name: str, address: Address) -> Target | None:
        """What a complete name stands for in the cluster's zone."""
        if not name.endswith(self._zone):
            return None
        labels = name.removesuffix(self._zone).split(".")
        if len(labels) == 2 and (service := self._services.get((labels[1], labels[0]))) is not None:
            return self._behind(service, address)
        if len(labels) == 3 and (service := self._services.get((labels[2], labels[1]))) is not None:
            return self._pod(service, labels[0])
        return None

    def _pod(self, service: Service, hostname: str) -> Target | None:
        """The StatefulSet that a pod's own name under its governing Service belongs to."""
        name, _, ordinal = hostname.rpartition("-")
        workload = self._sets.get((service.namespace, name))
        if workload is None or workload.governing != service.name or not service.headless or not ordinal.isdigit():
            return None
        return Target((workload.node,)) if _selects(service.selector, workload.labels) else None

    def _unknown(self, address: Address, namespace: str, *, dns: bool) -> Target:
        """What a name means that the cluster's DNS does not have: an ingress host, something missing, or something outside."""
        host = address.host.rstrip(".")
        if host in self._backends and address.certainty is not Certainty.LIKELY:
            return Target((ingress_id(self.key, host),))
        if dns and (wanted := self._wanted(address, namespace)) is not None:
            return self._missing(*wanted)
        ours = host.endswith((".svc", f".{self._domain}")) or (dns and host.rpartition(".")[2] in self._namespaces)
        return NOTHING if ours else self._outside(address)

    def _wanted(self, address: Address, namespace: str) -> tuple[str, str] | None:
        """Namespace and name of the Service that must have been meant, though it is not there."""
        host, absolute = address.host.rstrip("."), address.host.endswith(".")
        within = host.removesuffix(f".{self._domain}")
        if within.endswith(".svc") and not (absolute and within == host):
            labels = within.removesuffix(".svc").split(".")
            return (labels[1], labels[0]) if len(labels) == 2 else None
        if absolute or not address.whole or address.certainty is Certainty.LIKELY or "_" in host:
            return None
        labels = host.split(".")
        if len(labels) == 2 and labels[1] in self._namespaces:
            return labels[1], labels[0]
        if len(labels) == 1 and address.certainty is Certainty.CERTAIN and host != "localhost":
            return namespace, host
        return None

    # ── what is behind ──

    def _behind(self, service: Service, address: Address) -> Target:
        if service.external_name:
            return self._aliased(service, address)
        if not service.selector:
            return self._unselected(service)
        offered = address.port is None or service.headless or not service.ports or address.port in service.ports
        if not offered and address.certainty is Certainty.LIKELY:
            return NOTHING
        nodes = self.behind(service)
        if not nodes:
            return self._missing(service.namespace, service.name)
        return Target(nodes, None, "" if offered else f"the Service has no port {address.port}")

    def _aliased(self, service: Service, address: Address) -> Target:
        for _ in range(_ALIASES):
            name = service.external_name.lower().rstrip(".")
            labels = name.removesuffix(self._zone).split(".") if name.endswith(self._zone) else []
            found = self._services.get((labels[1], labels[0])) if len(labels) == 2 else None
            if found is None:
                known = Address(name, address.port, certainty=Certainty.CERTAIN)
                if name in self._backends:
                    return Target((ingress_id(self.key, name),))
                return self._missing(labels[1], labels[0]) if len(labels) == 2 else self._outside(known)
            if not found.external_name:
                return self._behind(found, address)
            service = found
        return NOTHING

    def _unselected(self, service: Service) -> Target:
        """A Service whose endpoints somebody else writes: what is behind it the cluster does not know."""
        if (service.namespace, service.name) == ("default", "kubernetes"):
            return NOTHING  # the apiserver: every controller calls it, and a graph that said so would say nothing
        return _outside(f"{service.name}.{service.namespace}", f"{self.key}/{service.namespace}/{service.name}")

    def _selected(self, service: Service) -> Iterable[Workload]:
        lists = [self._by_label.get((service.namespace, label, value), []) for label, value in service.selector.items()]
        fewest = min(lists, key=len, default=[])
        return [workload for workload in fewest if _selects(service.selector, workload.labels)]

    def _missing(self, namespace: str, name: str) -> Target:
        if (namespace, name) in self._services:
            message = f"Nothing that runs is selected by the Service `{name}` in `{namespace}`."
        else:
            message = f"There is no Service `{name}` in `{namespace}`, and something calls it."
        key = missing_id(self.key, namespace, name)
        state = ApplicationState(Verdict(Health.MISSING, message, "NoService"), serving=False)
        return Target((key,), End(Node(key, NodeKind.WORKLOAD, name, namespace), state))

    def _outside(self, address: Address) -> Target:
        sure = address.whole and address.certainty is not Certainty.LIKELY and external(address.host)
        host = address.host.rstrip(".")
        return _outside(host, host) if sure else NOTHING


def _outside(label: str, key: str) -> Target:
    node = Node(external_id(key), NodeKind.EXTERNAL, label, "external")
    return Target((node.id,), End(node))


def _running(one: Workload) -> _Running:
    return one.namespace, one.node, one.name, one.governing, frozenset(one.labels.items())


def _may_select(service: Service, labels: set[tuple[str, str, str]]) -> bool:
    """Whether it may select a workload that changed. `labels`: those of all of them, with their namespaces, as they are and were."""
    return all((service.namespace, *label) in labels for label in service.selector.items())


def words_of(host: str) -> list[str]:
    """The words of a host by which it may lead somewhere in the cluster: itself, and its labels."""
    whole = _canonical(host.rstrip("."))
    return [whole, *whole.split(".")]


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(label) == value for label, value in selector.items())


def _canonical(text: str) -> str:
    """An address in its one spelling (`FD00::0:1` is `fd00::1`; of version 4 there is no other)."""
    ip = as_ip(text) if ":" in text else None
    return text if ip is None else str(ip)
