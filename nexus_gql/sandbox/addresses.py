"""Addresses and ports that Services are given, and keep for their life."""

from ipaddress import IPv4Address, IPv4Network

from nexus_gql.sandbox.kinds import KINDS, Kind
from nexus_gql.sandbox.refusals import Cause, Object, invalid

RANGE = IPv4Network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)
_PUBLISHED = frozenset({"NodePort", "LoadBalancer"})


class Addresses:
    """Which cluster IPs and node ports are taken, and by which Service."""

    def __init__(self) -> None:
        self._ips: dict[str, str] = {}
        self._ports: dict[int, str] = {}
        self._next = int(RANGE.network_address) + 10

    def assign(self, kind: Kind, new: Object, old: Object | None, *, dry: bool) -> None:
        """Give a Service what it needs and does not name. Its spec is the caller's own where it lacks something."""
        if kind.name != "Service" or (old is not None and new.get("spec") == old.get("spec")):
            return
        spec = new["spec"]
        if spec.get("type") == "ExternalName":
            return
        if old is not None:
            self._keep(spec, old["spec"])
        self._cluster_ip(new["metadata"], spec, dry=dry)
        self._families(spec)
        if spec.get("type") in _PUBLISHED and spec.get("allocateLoadBalancerNodePorts", True):
            self._node_ports(new["metadata"], spec, dry=dry)

    def hold(self, kind: Kind, obj: Object) -> None:
        """A Service that was there before has what it has."""
        if kind.name != "Service":
            return
        spec, uid = obj["spec"], obj["metadata"]["uid"]
        if (ip := spec.get("clusterIP", "None")) != "None":
            self._ips[ip] = uid
        self._ports |= {port["nodePort"]: uid for port in spec.get("ports", ()) if "nodePort" in port}

    def free(self, kind: Kind, obj: Object) -> None:
        """Take back what a Service had."""
        if kind.name != "Service":
            return
        uid = obj["metadata"]["uid"]
        self._ips = {ip: owner for ip, owner in self._ips.items() if owner != uid}
        self._ports = {port: owner for port, owner in self._ports.items() if owner != uid}

    @staticmethod
    def _keep(spec: Object, before: Object) -> None:
        if before.get("type") == "ExternalName":
            return
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if field in before:
                spec.setdefault(field, before[field])
        if spec.get("type") not in _PUBLISHED:
            _unpublish(spec, before)
        else:
            known = {(port["port"], port.get("protocol")): port.get("nodePort") for port in before.get("ports", ())}
            for port in spec.get("ports", ()):
                kept = known.get((port["port"], port.get("protocol")))
                if kept is not None:
                    port.setdefault("nodePort", kept)

    def _cluster_ip(self, metadata: Object, spec: Object, *, dry: bool) -> None:
        ip = spec.get("clusterIP") or (spec.get("clusterIPs") or [None])[0]
        if ip is None:
            ip = self._free_ip()
        elif ip != "None" and self._ips.get(ip, metadata["uid"]) != metadata["uid"]:
            raise _taken(metadata["name"], "spec.clusterIPs", f'["{ip}"]', "failed to allocate IP", ip)
        spec["clusterIP"] = ip
        spec.setdefault("clusterIPs", [ip])
        if ip != "None" and not dry:
            self._ips[ip] = metadata["uid"]

    def _free_ip(self) -> str:
        while str(IPv4Address(self._next)) in self._ips:
            self._next += 1
        return str(IPv4Address(self._next))

    @staticmethod
    def _families(spec: Object) -> None:
        # A headless Service without selector could be given addresses of either family by whoever writes its endpoints.
        both = spec["clusterIP"] == "None" and not spec.get("selector")
        spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if both else ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "RequireDualStack" if both else "SingleStack")

    def _node_ports(self, metadata: Object, spec: Object, *, dry: bool) -> None:
        for index, port in enumerate(spec.get("ports", ())):
            wanted = port.get("nodePort")
            if wanted is None:
                named = {other.get("nodePort") for other in spec["ports"]}
                wanted = next(one for one in NODE_PORTS if one not in self._ports and one not in named)
            elif wanted not in NODE_PORTS and not dry:
                why = "provided port is not in the valid range. The range of valid ports is 30000-32767"
                raise _refused(metadata["name"], f"spec.ports[{index}].nodePort", str(wanted), why)
            elif self._ports.get(wanted, metadata["uid"]) != metadata["uid"]:
                why = "provided port is already allocated"
                raise _refused(metadata["name"], f"spec.ports[{index}].nodePort", str(wanted), why)
            port["nodePort"] = wanted
            if not dry:
                self._ports[wanted] = metadata["uid"]


def _unpublish(spec: Object, before: Object) -> None:
    """A Service that is published no longer gives back what only published ones have, where nobody set it anew."""
    for field in ("externalTrafficPolicy", "allocateLoadBalancerNodePorts", "healthCheckNodePort"):
        if spec.get(field) == before.get(field):
            spec.pop(field, None)
    given = {port.get("nodePort") for port in before.get("ports", ())}
    for port in spec.get("ports", ()):
        if port.get("nodePort") in given:
            port.pop("nodePort", None)


def _taken(name: str, field: str, value: str, what: str, ip: str) -> Exception:
    return _refused(name, field, value, f"{what} {ip}: provided IP is already allocated")


def _refused(name: str, field: str, value: str, why: str) -> Exception:
    return invalid(KINDS["Service"], name, [Cause("FieldValueInvalid", field, f"Invalid value: {value}: {why}")])
