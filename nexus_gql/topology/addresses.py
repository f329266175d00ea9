"""What in a text is an address. Precision before recall: a word that only looks like a Service's name is none.

docs/topology.md says what counts. Three degrees of certainty:
- CERTAIN: a URL, or host and port where the setting's name says that it is an address. What it names and is not there is missing.
- NAMED: a host alone where the setting's name says so. A name outside the cluster must look like one.
- LIKELY: host and port anywhere else (`image:8080` might be one). Only an existing Service that has the port is meant.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import lru_cache

from msgspec import Struct


class Certainty(IntEnum):
    """How sure it is that a text is an address."""

    LIKELY = 0
    NAMED = 1
    CERTAIN = 2


class Address(Struct, frozen=True, gc=False):
    """A host, and the port and path where they are told; nothing of users, passwords or queries.

    `whole`: the setting holds nothing else, so that a host outside the cluster is meant to be called and not only mentioned.
    """

    host: str
    port: int | None = None
    path: str = ""
    scheme: str = ""
    certainty: Certainty = Certainty.CERTAIN
    whole: bool = True

    @property
    def text(self) -> str:
        """As it is shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}" if self.scheme else f"{host}{port}{self.path}"


_LABEL = r"[a-zA-Z0-9_](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL}){{0,20}}\.?"
_HOST = re.compile(rf"(?:{_NAME})\Z")
_PAIR = re.compile(rf"(\[[0-9a-fA-F:.]{{2,45}}\]|{_NAME}):(\d{{1,5}})\Z")
_URL = re.compile(r"\b([a-zA-Z][a-zA-Z0-9_+.-]{0,40}):///?([^\s\"'`<>\\]+)")
_TOKEN = re.compile(r"[^\s\"'`,;|<>(){}=]+")
_ORACLE = re.compile(r"\bjdbc:oracle:thin:[^\s@]{0,200}@(?://)?([^\s\"'/:]+:\d{1,5})")
_GO = re.compile(r"@tcp\(([^()\s]+)\)")
_KEYWORDS = re.compile(r"(?:^|[\s;])(?:host|server)\s*=\s*(?:tcp:)?([^\s;,:'\"/]+)(?:[,:](\d{1,5}))?", re.IGNORECASE)
_KEYWORD_PORT = re.compile(r"(?:^|[\s;])port\s*=\s*(\d{1,5})(?:[\s;]|\Z)", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What the last words of a setting's name say about its value. A port may stand beside it in a setting of its own.
_SAYS_HOST = _set(
    "host hostname hosts addr addrs address addresses server servers endpoint endpoints service svc upstream backend broker brokers"
)
_SAYS_ADDRESS = _SAYS_HOST | _set("url urls uri uris target targets dsn peers nodes bootstrap connect")
# Names of what calls us, of ourselves, or of where we listen: not of what we need.
_SAYS_OTHERWISE = _set(
    "origin origins cors allowed allowlist whitelist noproxy listen bind advertise advertised callback redirect xmlns schema schemas referer"
    " docs documentation homepage"
)
_OWN = frozenset(
    {"host", "hostname", "service", "server", "dd_service", "pod_host", "node_host", "server_name", "virtual_host"}
)
_OWN_SIDE = frozenset({"public", "external", "root", "self", "site", "own"})

# Schemes that name no other machine, or nothing that is called.
_NO_CALL = _set(
    "file unix data urn mailto tel javascript about chrome classpath resource arn s3 gs secret vault env docker oci image"
)
_FILE_ENDINGS = _set(
    "yaml yml json toml ini cfg conf config properties xml txt md csv log py js ts mjs jar war class sh so dll exe sock pem crt key cert p12"
    " jks db sqlite sql html css gz tgz tar zip env lock pid tmpl png svg"
)
_ENDINGS = _set("com net org edu gov mil int info biz dev app cloud tech online site internal corp lan")
_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost|local|localdomain)\.?\Z"
    r"|^(?:www\.w3\.org|json-schema\.org|schemas\.xmlsoap\.org|schemas\.microsoft\.com|maven\.apache\.org|www\.springframework\.org)\Z",
    re.IGNORECASE,
)


def addresses(name: str, text: str, beside: Mapping[str, str] | None = None) -> list[Address]:
    """The addresses in the value of a setting. `beside`: the other settings of the same place, where its port may stand."""
    if _otherwise(name):
        return []
    found = [*_special(text)] if "@" in text or "=" in text else []
    rest = text
    if "://" in text:
        whole, rest = _whole(text), _URL.sub(" ", text)
        for match in _URL.finditer(text):
            found += _of_url(match[1], match[2], whole=whole)
    if not found:
        found = list(_of_words(name, rest.strip(), beside or {}))
    return list(dict.fromkeys(found))


def external(host: str) -> bool:
    """Whether a host that is not in the cluster may be a real one: an address that can be called, or a complete name."""
    ip = as_ip(host)
    if ip is not None:
        return callable_ip(ip)
    labels = host.rstrip(".").split(".")
    ending = labels[-1].lower()
    # `features.staging` is more likely a namespace that is not there than a host; a name of three parts may end in anything.
    known = len(labels) > 2 or len(ending) == 2 or ending in _ENDINGS
    plausible = len(labels) > 1 and known and ending.isalpha() and len(ending) > 1 and ending not in _FILE_ENDINGS
    return plausible and "_" not in host and not _RESERVED.search(host)


def callable_ip(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Not ourselves, not everyone, not the link alone (where clouds have their metadata)."""
    return not (
        ip.is_loopback or ip.is_unspecified or ip.is_link_local or ip.is_multicast or str(ip) == "255.255.255.255"
    )


def as_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host is; None for a name."""
    if ":" not in host and not host[-1:].isdigit():
        return None  # most are names, and to have one refused takes as long as all the rest
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


# ── names of settings ──


@lru_cache(4096)  # a few names are in every workload's settings
def words(name: str) -> tuple[str, ...]:
    """The words of a setting's name: `FEATURES_URL`, `features.url`, `--features-url` and `featuresUrl` are alike."""
    return tuple(word.lower() for word in _WORD.findall(name))


def _otherwise(name: str) -> bool:
    said = words(name)
    if "proxy" in said and "no" in said:
        return True
    own = len(said) > 1 and said[-2] in _OWN_SIDE and len(said) <= 2
    return own or any(word in _SAYS_OTHERWISE for word in said)


def _says(name: str, among: frozenset[str]) -> bool:
    said = words(name)
    if "_".join(said) in _OWN - {"server"} and name.isupper():
        return False
    if len(said) > 1 and said[-1] == "servers" and "bootstrap" in said:
        return True
    return bool(said) and said[-1] in among


# ── forms ──


def _whole(text: str) -> bool:
    """Whether nothing but URLs and commas is around."""
    return not re.sub(r"[\s,;\"'\[\]]", "", _URL.sub("", text)).removeprefix("jdbc:")


def _special(text: str) -> Iterator[Address]:
    """Forms that are no URL: Oracle's JDBC, Go's `user:password@tcp(host:port)/name`, libpq's and ADO's `host=… port=…`."""
    for match in (*_ORACLE.finditer(text), *_GO.finditer(text)):
        yield from _of_pair(match[1], Certainty.CERTAIN)
    port = _KEYWORD_PORT.search(text)
    for match in _KEYWORDS.finditer(text):
        number = match[2] or (port[1] if port is not None else None)
        if number is not None and _HOST.match(match[1]):
            yield from _of_pair(f"{match[1]}:{number}", Certainty.CERTAIN)


def _of_url(scheme: str, rest: str, *, whole: bool) -> Iterator[Address]:
    scheme = scheme.lower()
    if scheme in _NO_CALL:
        return
    authority, slash, tail = _split(rest)
    if "@" in tail:
        return  # it may end a password with a slash in it, and then what comes before is no host
    authority = authority.rpartition("@")[2]
    path = re.split(r"[?#;@\s]", tail, maxsplit=1)[0] if slash else ""
    shown = "" if path in {"", "/"} else f"/{path}".rstrip(".,)]}")
    for host, port in _hosts(authority):
        yield Address(host, port, shown if "," not in authority else "", scheme, whole=whole)


def _split(rest: str) -> tuple[str, str, str]:
    """Authority and what follows it."""
    match = re.search(r"[/?#;]", rest)
    if match is None:
        return rest, "", ""
    tail = rest[match.end() :]
    return rest[: match.start()], ("/" if match[0] == "/" else ""), tail


def _hosts(authority: str) -> Iterator[tuple[str, int | None]]:
    """Hosts and ports of an authority; of several (MongoDB, Kafka, Redis) each. One that is malformed is none."""
    for text in authority.strip("()").rstrip(".,)}").split(","):
        part = re.sub(r"^\w+://", "", text)
        bare = part[1:-1] if part.startswith("[") and part.endswith("]") else part
        match = _PAIR.match(part)
        if match is not None and 0 < int(match[2]) < 65536:
            yield _clean(match[1]), int(match[2])
        elif match is None and (_HOST.match(part) or (bare != part and as_ip(bare) is not None)):
            yield _clean(bare), None


def _clean(host: str) -> str:
    return host.strip("[]").lower()


def _of_pair(text: str, certainty: Certainty) -> Iterator[Address]:
    match = _PAIR.match(text)
    if match is not None and 0 < int(match[2]) < 65536 and not match[1].isdigit():
        yield Address(_clean(match[1]), int(match[2]), certainty=certainty)


def _of_words(name: str, text: str, beside: Mapping[str, str]) -> Iterator[Address]:
    """What is no URL: lists of hosts and ports, and a host alone where the name says so."""
    says = _says(name, _SAYS_ADDRESS)
    parts = [part.strip().strip("\"'") for part in re.split(r"[,;\s]+", text) if part.strip()]
    if says and all(_PAIR.match(part) for part in parts):
        for part in parts:
            yield from _of_pair(part, Certainty.CERTAIN)
        return
    if len(parts) <= 8 and _says(name, _SAYS_HOST) and all(_HOST.match(part) or as_ip(part) for part in parts):
        for part in parts:
            port = _port_beside(name, beside)
            yield Address(_clean(part), port, certainty=Certainty.NAMED if port is None else Certainty.CERTAIN)
        return
    for match in _TOKEN.finditer(text):
        path = match[0].find("/")
        yield from _of_pair(match[0] if path < 0 else match[0][:path], Certainty.LIKELY)


def _port_beside(name: str, beside: Mapping[str, str]) -> int | None:
    """The port in the setting that is named alike: FEATURES_PORT beside FEATURES_HOST."""
    said = words(name)[:-1]
    for other, value in beside.items():
        if words(other) == (*said, "port") and value.isdigit() and 0 < int(value) < 65536:
            return int(value)
    return None
