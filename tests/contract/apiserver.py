"""Raw HTTP to an apiserver, simulated or real: what is sent and what comes back, with nothing of Nexus in between."""

import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

Object = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Code and document of an answer."""

    code: int
    body: Any


class Refused(AssertionError):
    """An answer that says no where none was expected."""


@dataclass(frozen=True)
class Apiserver:
    """An apiserver and how it is reached. `simulated`: whether it is the sandbox."""

    http: httpx.AsyncClient
    simulated: bool = False

    async def ask(
        self, method: str, path: str, body: object = None, content_type: str = "application/json", **query: str
    ) -> Answer:
        """An answer, whatever it is."""
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        response = await self.http.request(method, path, content=content, headers=headers, params=query)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        return Answer(response.status_code, response.json() if kind == "application/json" else response.text)

    async def get(self, path: str, **query: str) -> Any:
        """What is there."""
        return _good(await self.ask("GET", path, **query))

    async def create(self, path: str, body: Object, **query: str) -> Object:
        """A new object."""
        made: Object = _good(await self.ask("POST", path, body, **query))
        return made

    async def apply(self, path: str, body: Object, *, manager: str = "contract", **query: str) -> Answer:
        """Server-side apply."""
        return await self.ask("PATCH", path, body, APPLY, fieldManager=manager, **query)

    async def applied(self, path: str, body: Object, *, manager: str = "contract", **query: str) -> Object:
        """The object after a server-side apply that went through."""
        made: Object = _good(await self.apply(path, body, manager=manager, **query))
        return made

    async def merge(self, path: str, body: Object, **query: str) -> Object:
        """The object after a merge patch."""
        made: Object = _good(await self.ask("PATCH", path, body, MERGE, **query))
        return made

    async def delete(self, path: str, body: Object | None = None, **query: str) -> Any:
        """What a deletion answers."""
        return _good(await self.ask("DELETE", path, body, **query))

    async def text(self, path: str, **query: str) -> str:
        """A log."""
        found = _good(await self.ask("GET", path, **query))
        assert isinstance(found, str)
        return found

    @asynccontextmanager
    async def lines(self, path: str, **query: str) -> AsyncIterator[AsyncIterator[str]]:
        """An answer that goes on, line by line."""
        async with self.http.stream("GET", path, params=query) as response:
            assert response.status_code == 200, await response.aread()
            yield response.aiter_lines()


def _good(answer: Answer) -> Any:
    if answer.code >= 300:
        raise Refused(f"{answer.code}: {answer.body}")
    return answer.body


@asynccontextmanager
async def connected(kubeconfig: str, *, simulated: bool = False) -> AsyncIterator[Apiserver]:
    """The apiserver that a kubeconfig of one cluster leads to."""
    config = yaml.safe_load(kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    verify: ssl.SSLContext | bool = _trusting(cluster, user) if "client-certificate-data" in user else False
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    limits = httpx.Limits(max_connections=64)
    client = httpx.AsyncClient(
        base_url=cluster["server"], headers=headers, verify=verify, trust_env=False, timeout=60, limits=limits
    )
    async with client as http:
        yield Apiserver(http, simulated)


def _trusting(cluster: Object, user: Object) -> ssl.SSLContext:
    """A context with the client's certificate, which `ssl` reads from files only."""
    context = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode(),
    )
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "client.pem"
        parts = (base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key"))
        certificate.write_bytes(b"\n".join(parts))
        context.load_cert_chain(certificate)
    return context
