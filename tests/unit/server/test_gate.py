"""Host and Origin: whom the server answers at all, over HTTP, event streams and WebSockets."""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from nexus_gql.server.gate import Admission

from .toy import World, post, serving

ADMISSION = Admission.of(
    ["nexus.example", "Portal.Example:8443", "10.0.0.5", "fd00::5"],
    ["https://or.example", "http://dev.example:3000/"[:-1]],
)

HOSTS = [
    ("localhost", True),
    ("localhost:8090", True),
    ("LOCALHOST:1", True),
    ("localhost.:8090", True),
    ("127.0.0.1:8090", True),
    ("[::1]:8090", True),
    ("[::1]", True),
    ("nexus.example", True),
    ("nexus.example:443", True),
    ("portal.example:8443", True),
    ("portal.example", False),
    ("portal.example:8444", False),
    ("10.0.0.5:80", True),
    ("[fd00::5]:80", True),
    ("10.0.0.6", False),
    ("evil.example", False),
    ("evil.example:8090", False),
    ("localhost.evil.example", False),
    ("nexus.example.evil.example", False),
    ("evil-localhost", False),
    ("127.0.0.1.evil.example", False),
    ("localhost@evil.example", False),
    ("localhost:8090:8090", False),
    ("localhost:port", False),
    ("localhost ", False),
    ("", False),
    ("*", False),
]


@pytest.mark.parametrize(("host", "admitted"), HOSTS)
def test_a_host_should_be_loopback_or_configured(host: str, admitted: bool) -> None:
    assert (ADMISSION.refusal([host], []) is None) is admitted


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_a_request_should_name_one_host(hosts: list[str]) -> None:
    assert ADMISSION.refusal(hosts, []) == "A request names one host."


@pytest.mark.parametrize(
    ("host", "origin", "admitted"),
    [
        ("localhost:8090", "http://localhost:8090", True),
        ("localhost", "http://localhost", True),
        ("localhost:80", "http://localhost", True),
        ("nexus.example", "https://nexus.example", True),
        ("nexus.example:443", "https://nexus.example", True),
        ("[::1]:8090", "http://[::1]:8090", True),
        ("localhost:8090", "https://or.example", True),
        ("localhost:8090", "https://OR.example:443", True),
        ("localhost:8090", "http://dev.example:3000", True),
        ("localhost:8090", "http://localhost:3000", False),
        ("localhost:8090", "http://localhost", False),
        ("localhost:8090", "http://127.0.0.1:8090", False),
        ("nexus.example:8080", "https://nexus.example", False),
        ("localhost:8090", "http://or.example", False),
        ("localhost:8090", "https://or.example:8443", False),
        ("localhost:8090", "https://or.example.evil.example", False),
        ("localhost:8090", "https://evil.example", False),
        ("localhost:8090", "null", False),
        ("localhost:8090", "*", False),
        ("localhost:8090", "", False),
        ("localhost:8090", "file://", False),
        ("localhost:8090", "chrome-extension://localhost:8090", False),
        ("localhost:8090", "http://localhost:8090/path", False),
    ],
)
def test_a_page_should_be_the_servers_own_or_of_a_configured_origin(host: str, origin: str, admitted: bool) -> None:
    assert (ADMISSION.refusal([host], [origin]) is None) is admitted


def test_two_origins_should_be_none() -> None:
    own = "http://localhost:8090"
    assert ADMISSION.refusal(["localhost:8090"], [own, own]) is not None


@pytest.mark.parametrize(("names", "origins"), [(["*"], []), (["*.or.example"], []), ([], ["*"]), ([], ["or.example"])])
def test_a_wildcard_or_nonsense_in_the_configuration_should_be_refused(names: list[str], origins: list[str]) -> None:
    with pytest.raises(ValueError, match="no wildcards"):
        Admission.of(names, origins)


@pytest.mark.parametrize("path", ["/graphql", "/graphiql", "/", "/metrics", "/assets/x.js"])
@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
async def test_every_page_but_the_probes_should_be_refused_with_the_reason(path: str, headers: dict[str, str]) -> None:
    async with serving(World()) as url, httpx.AsyncClient(headers=headers) as client:
        response = await client.get(url + path)
        probes = [(await client.get(url + probe)).status_code for probe in ("/healthz", "/readyz")]
    assert response.status_code == 403
    assert "evil.example" in response.text
    assert response.headers["content-type"].startswith("text/plain")
    assert probes == [200, 200]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
async def test_an_operation_for_a_foreign_page_should_not_be_run(accept: str, headers: dict[str, str]) -> None:
    world = World()
    async with serving(world) as url:
        response = await post(url, "{ me }", headers={**headers, "accept": accept})
    assert (response.status_code, world.contexts, world.lookups) == (403, [], 0)


@pytest.mark.parametrize(
    ("origin", "host"), [("https://evil.example", None), ("null", None), (None, "evil.example"), ("http://x", "x")]
)
async def test_a_websocket_of_a_foreign_page_should_be_refused_at_the_handshake(
    origin: str | None, host: str | None
) -> None:
    async with serving(World()) as url:
        address = url.replace("http", "ws") + "/graphql"
        if host is not None:
            address = address.replace("127.0.0.1", host)
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                address,
                origin=None if origin is None else Origin(origin),
                subprotocols=[Subprotocol("graphql-transport-ws")],
                host="127.0.0.1",
                port=int(url.rsplit(":", 1)[1]),
            ):
                pass
    assert refused.value.response.status_code == 403
    assert b"NEXUS_ALLOWED" in refused.value.response.body


async def test_the_servers_own_page_should_have_its_websocket() -> None:
    async with (
        serving(World()) as url,
        connect(
            url.replace("http", "ws") + "/graphql",
            origin=Origin(url),
            subprotocols=[Subprotocol("graphql-transport-ws")],
        ) as connection,
    ):
        assert connection.subprotocol == "graphql-transport-ws"


PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


async def test_a_configured_origin_should_be_answered_its_preflight_and_read_its_answer() -> None:
    origin = "https://or.example"
    async with serving(World(), origins=[origin]) as url, httpx.AsyncClient() as client:
        preflight = await client.options(f"{url}/graphql", headers={"origin": origin, **PREFLIGHT})
        answer = await post(url, "{ me }", headers={"origin": origin})
        own = await post(url, "{ me }", headers={"origin": url})
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, origin)
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert preflight.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert answer.json() == own.json() == {"data": {"me": "local"}}
    assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (origin, "Origin")
    assert "access-control-allow-origin" not in own.headers
    assert own.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


async def test_an_error_for_a_configured_origin_should_be_readable_too() -> None:
    origin = "https://or.example"
    async with serving(World(tokens={}), origins=[origin]) as url:
        answer = await post(url, "{ me }", headers={"origin": origin})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, origin)


@pytest.mark.parametrize("origins", [[], ["https://or.example"]])
async def test_the_preflight_of_another_origin_should_be_refused(origins: list[str]) -> None:
    async with serving(World(), origins=origins) as url, httpx.AsyncClient() as client:
        answer = await client.options(f"{url}/graphql", headers={"origin": "https://evil.example", **PREFLIGHT})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
