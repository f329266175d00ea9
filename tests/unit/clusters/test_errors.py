"""The one translator of the client's errors."""

import inspect
import socket
import ssl
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import client_exceptions

from nexus_gql.clusters import AccessError, ClusterError, PassingError, RequestError, Unauthorized, Unreachable
from nexus_gql.clusters import errors as own
from nexus_gql.clusters.errors import read_status, translated

# Of WebSockets, which are not used: a message of another type than was asked for.
NOT_MET = {client_exceptions.WSMessageTypeError}


def client_errors() -> Iterator[type[Exception]]:
    """Every exception that aiohttp's client can raise."""
    for _, found in inspect.getmembers(client_exceptions, inspect.isclass):
        ours = found.__module__ == client_exceptions.__name__ and found not in NOT_MET
        if ours and issubclass(found, Exception) and not issubclass(found, Warning):
            yield found


def made(kind: type[Exception]) -> Exception:
    """An instance as the client makes it: each family has a constructor of its own."""
    key: Any = SimpleNamespace(host="example.test", port=6443, ssl=True, is_ssl=True)
    request: Any = SimpleNamespace(real_url="https://example.test:6443/version")
    build: Any = kind
    if issubclass(kind, client_exceptions.ClientConnectorCertificateError):
        return kind(key, ssl.SSLCertVerificationError("self-signed"))
    if issubclass(kind, client_exceptions.UnixClientConnectorError):
        return kind("/run/x.sock", key, OSError(2, "no such file"))
    if issubclass(kind, client_exceptions.ClientConnectorError):
        return build(key, OSError(111, "refused"))  # type: ignore[no-any-return]
    if issubclass(kind, client_exceptions.ClientResponseError):
        return kind(request, ())
    if issubclass(kind, client_exceptions.ServerFingerprintMismatch):
        return kind(b"a", b"b", "example.test", 6443)
    return kind("x")


@pytest.mark.parametrize("kind", list(client_errors()), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_client_should_mean_something(kind: type[Exception]) -> None:
    assert isinstance(translated(made(kind)), ClusterError)


def test_the_walk_should_have_found_the_exceptions() -> None:
    found = {kind.__name__ for kind in client_errors()}

    assert {"ClientConnectorError", "ServerDisconnectedError", "ClientPayloadError", "InvalidURL"} <= found
    assert len(found) >= 20


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(104, "reset"),
        BrokenPipeError(),
        socket.gaierror(-2, "Name or service not known"),
        OSError("no"),
        ssl.SSLError("handshake"),
        aiohttp.ServerDisconnectedError(),
        RuntimeError("Session is closed"),
    ],
    ids=repr,
)
def test_a_connection_that_does_not_hold_should_be_unreachable(error: Exception) -> None:
    assert isinstance(translated(error), Unreachable)


def test_a_certificate_that_is_not_the_registered_one_should_be_unauthorized() -> None:
    assert isinstance(translated(ssl.SSLCertVerificationError("self-signed")), Unauthorized)
    assert isinstance(translated(made(client_exceptions.ClientConnectorCertificateError)), Unauthorized)


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), RuntimeError("generator raised"), TypeError()], ids=repr
)
def test_a_fault_of_ours_should_not_be_taken_for_the_clusters(error: Exception) -> None:
    assert translated(error) is None


def test_an_error_that_is_ours_already_should_stay_itself() -> None:
    error = Unreachable("x")

    assert translated(error) is error


def test_every_error_should_say_what_its_reader_can_do() -> None:
    leaves = [
        found
        for _, found in inspect.getmembers(own, inspect.isclass)
        if issubclass(found, ClusterError) and found not in {ClusterError, AccessError, PassingError, RequestError}
    ]

    assert len(leaves) >= 9
    for leaf in leaves:
        assert sum(issubclass(leaf, branch) for branch in (AccessError, PassingError, RequestError)) == 1


def test_a_status_should_be_read_as_far_as_it_goes() -> None:
    assert read_status(500, b'{"message": null, "details": null}').message == ""
    assert read_status(500, b"schlimm\n").message == "schlimm"
    assert len(read_status(500, b"x" * 10_000).message) == 300
