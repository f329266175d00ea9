"""One authenticated client of one cluster, with a time limit on everything."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiClient, Configuration

from .errors import Unreachable, refusal, translated

CONNECT_LIMIT = 5.0
ANSWER_LIMIT = 15.0
# Watches and log streams keep a connection each; the client's own limit of 100 would make the next one wait in silence.
_CONNECTIONS = 2000

APPLY = "application/apply-patch+yaml"

Query = Mapping[str, str | int]


class Connection:
    """Requests to one cluster. Every error is a ClusterError."""

    def __init__(self, configuration: Configuration) -> None:
        configuration.connection_pool_maxsize = _CONNECTIONS
        self._api = ApiClient(configuration)
        self.server = str(configuration.host)
        self._bodies: set[aiohttp.StreamReader] = set()
        self._closed = False

    async def close(self) -> None:
        """End every request and stream: whoever reads one is told Unreachable."""
        self._closed = True
        for body in self._bodies:
            # aiohttp forgets the readers of what it closes (client_proto.py, `close`): they would wait for ever.
            body.set_exception(aiohttp.ClientConnectionError("it was closed"))
        await self._api.close()

    async def get(self, path: str, query: Query | None = None, *, limit: float = ANSWER_LIMIT) -> bytes:
        """The body of an answer."""
        return await self._answer("GET", path, query, None, "application/json", limit)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Query | None = None,
        content_type: str = "application/json",
        limit: float = ANSWER_LIMIT,
    ) -> bytes:
        """The body of the answer to a request that changes something."""
        return await self._answer(method, path, query, body, content_type, limit)

    async def _answer(
        self, method: str, path: str, query: Query | None, body: Any, content_type: str, limit: float
    ) -> bytes:
        timeout = aiohttp.ClientTimeout(total=limit, sock_connect=CONNECT_LIMIT)
        async with self._response(method, path, query, body, content_type, timeout) as response:
            return await response.read()

    @asynccontextmanager
    async def stream(
        self, path: str, query: Query | None = None, *, silence: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """An answer that goes on. `silence`: seconds without a byte after which it counts as lost."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT, sock_read=silence)
        async with self._response("GET", path, query, None, "application/json", timeout) as response:
            yield response.content

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: Any,
        content_type: str,
        timeout: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if content_type == APPLY:
            # With a charset, which the apiserver passes over, the library takes the body as it is.
            content_type, body = f"{APPLY};charset=utf-8", _yaml(body)
        headers = {"Accept": "application/json", "Content-Type": content_type}
        parameters = [(name, str(value)) for name, value in (query or {}).items()]
        try:
            await self._api.update_params_for_auth(headers, parameters, ["BearerToken"])
            response: aiohttp.ClientResponse = await self._api.rest_client.request(
                method,
                self.server + path,
                query_params=dict(parameters),
                headers=headers,
                body=body,
                _preload_content=False,
                _request_timeout=timeout,
            )
            async with response:
                self._bodies.add(response.content)
                try:
                    await _accept(response)
                    yield response
                finally:
                    self._bodies.discard(response.content)
                    _let_go(response)
        except Exception as error:
            meant = translated(error)
            if self._closed and isinstance(error, AssertionError):
                # aiohttp asks again what lost its connection unanswered, and so meets its own closed session.
                meant = Unreachable("The connection to the cluster was closed.")
            if meant is None or meant is error:
                raise
            raise meant from error


def _yaml(body: Any) -> bytes:
    """JSON that is also YAML, as which the apiserver reads what is applied.

    YAML has no surrogate pairs: what JSON escapes as one (an emoji) is written out. All else is escaped, since YAML takes some
    characters for line breaks and refuses others.
    """
    text = json.dumps(body, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


_ESCAPED = re.compile("[\x7f-\uffff]")


def _let_go(response: aiohttp.ClientResponse) -> None:
    """Cut a stream that is left before its end: over TLS a polite close waits for the peer, longer than our loop may live."""
    connection = response.connection
    if connection is not None and connection.transport is not None and not response.content.at_eof():
        connection.transport.abort()


async def _accept(response: aiohttp.ClientResponse) -> None:
    if response.status >= 400:
        raise refusal(response.status, await response.read(), response.headers.get("Retry-After"))
