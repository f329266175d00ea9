"""Who may talk to the server at all: the Host that a request names, and the Origin of the page that it comes from.

Without them a page on the Internet reaches a server on the visitor's own machine: by rebinding its name to 127.0.0.1 (then the Host is
the page's), or across origins, which no browser forbids to a WebSocket.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# Kubernetes probes a pod by its address, and learns nothing here that is worth hiding.
OPEN_TO_ALL = frozenset({"/healthz", "/readyz"})

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-][a-z0-9._-]*?)\.?(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Authority:
    """A host, and the port if one is written."""

    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "Authority | None":
        """From a Host header or the like; None where it is malformed."""
        match = _AUTHORITY.fullmatch(text.lower())
        return match and cls(match[1], int(match[2]) if match[2] else None)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from, its port always known."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Origin | None":
        """From an Origin header; None for `null` and whatever else is no web page."""
        scheme, _, rest = text.lower().partition("://")
        authority = Authority.parse(rest)
        if authority is None or scheme not in _DEFAULT_PORTS:
            return None
        return cls(scheme, authority.host, authority.port or _DEFAULT_PORTS[scheme])

    def is_at(self, authority: Authority) -> bool:
        """Whether the page was served by that host. The scheme is not compared: TLS may end at a proxy."""
        return (self.host, self.port) == (authority.host, authority.port or _DEFAULT_PORTS[self.scheme])


@dataclass(frozen=True, slots=True)
class Admission:
    """The hosts that the server answers to (with any port, if none is given), and the foreign origins that may call it."""

    hosts: frozenset[Authority]
    origins: frozenset[Origin]

    @classmethod
    def of(cls, host_names: Iterable[str], origins: Iterable[str]) -> "Admission":
        """From what is configured; ValueError for what is neither, such as `*`."""
        return cls(
            frozenset(_configured(Authority.parse(_bracketed(name)), name) for name in (*LOOPBACK, *host_names)),
            frozenset(_configured(Origin.parse(origin), origin) for origin in origins),
        )

    def refusal(self, hosts: Sequence[str], origins: Sequence[str]) -> str | None:
        """Why a request with these headers is refused; None where it is not."""
        host = Authority.parse(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return "A request names one host."
        if not self.hosts & {host, Authority(host.host, None)}:
            return f"This server does not answer to the host {host.host!r}: add it to NEXUS_ALLOWED_HOSTS."
        if not origins:
            return None
        origin = Origin.parse(origins[0]) if len(origins) == 1 else None
        if origin is not None and (origin.is_at(host) or origin in self.origins):
            return None
        return (
            f"Pages of {', '.join(origins)[:200]!r} may not call this server: add the origin to NEXUS_ALLOWED_ORIGINS."
        )

    def is_foreign(self, origin: str | None) -> bool:
        """Whether an origin is one of the configured ones, whose pages need CORS headers to read an answer."""
        return origin is not None and Origin.parse(origin) in self.origins


class Gate:
    """Refuses with 403 and the reason; gives the configured origins their CORS headers and answers their preflights."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through or refuse."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN_TO_ALL:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._admission.refusal(headers.getlist("host"), headers.getlist("origin"))
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
        elif scope["type"] == "http" and self._admission.origins:
            await self._across(headers, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _across(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        origin = headers.get("origin")
        foreign = self._admission.is_foreign(origin)

        async def allowing(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.add_vary_header("Origin")
                if foreign and origin is not None:
                    answered["access-control-allow-origin"] = origin
            await send(message)

        if foreign and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _PREFLIGHT(scope, receive, allowing)
        else:
            await self._app(scope, receive, allowing)


_PREFLIGHT = Response(
    status_code=204,
    headers={
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-max-age": "600",
    },
)


async def _refuse(reason: str, scope: Scope, receive: Receive, send: Send) -> None:
    response = PlainTextResponse(reason, 403)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


def _bracketed(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name


def _configured(parsed: T | None, text: str) -> T:
    if parsed is None:
        raise ValueError(
            f"{text!r} is neither a host name nor an origin such as https://or.example; there are no wildcards"
        )
    return parsed
