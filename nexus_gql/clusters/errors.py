"""What can go wrong with a cluster, ordered by what the reader can do about it, and the one translator of the client's errors.

ClusterError
├── AccessError         fix access: Unauthorized (401), Denied (403)
├── PassingError        wait: Unreachable, Busy (429), ServerTrouble (5xx), Expired (410)
└── RequestError        change the request: Missing (404), Conflicting (409), Invalid (422 and other 4xx)
"""

import asyncio
import os
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec


class ClusterError(Exception):
    """Something went wrong between us and a cluster; the text is for a person."""


class AccessError(ClusterError):
    """Somebody must fix what we may do there."""


class Unauthorized(AccessError):
    """The credentials are not (or no longer) accepted."""


class Denied(AccessError):
    """The credentials are good and may not do this."""


class PassingError(ClusterError):
    """It may well work later."""


class Unreachable(PassingError):
    """No answer: refused, timed out, unknown name, a broken connection."""


class Busy(PassingError):
    """The apiserver asks to be left alone for a while."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerTrouble(PassingError):
    """The apiserver failed."""


class Expired(PassingError):
    """The resource version is too old: list again."""


class RequestError(ClusterError):
    """The apiserver understood and refuses."""

    def __init__(self, message: str, status: "Status") -> None:
        super().__init__(message)
        self.status = status


class Missing(RequestError):
    """There is no such object or kind."""


class Conflicting(RequestError):
    """Another field manager, a precondition that does not hold, or a name that is taken."""


class Invalid(RequestError):
    """The object is not what the apiserver takes."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason in a Status: for a conflict the manager stands in the message, and the field in `field`."""

    reason: str
    message: str
    field: str


@dataclass(frozen=True, slots=True)
class Status:
    """The apiserver's own account of a refusal."""

    code: int
    reason: str
    message: str
    causes: tuple[Cause, ...] = ()


def refusal(code: int, body: bytes, retry_after: str | None = None) -> ClusterError:
    """The error that an answer with a status of 400 or more means."""
    status = read_status(code, body)
    message = status.message or f"The apiserver answered {code}."
    if code == 401:
        return Unauthorized(f"The cluster does not accept these credentials: {message}")
    if code == 403:
        return Denied(message)
    if code == 410 or status.reason in {"Expired", "Gone"}:
        return Expired(message)
    if code == 429:
        return Busy(message, _seconds(retry_after))
    if code >= 500:
        return ServerTrouble(message)
    kind = {404: Missing, 409: Conflicting}.get(code, Invalid)
    return kind(message, status)


def read_status(code: int, body: bytes) -> Status:
    """A Status object from an answer's body, or what can be told without one."""
    try:
        raw: Any = msgspec.json.decode(body)
        details = raw.get("details") or {}
        causes = tuple(
            Cause(cause.get("reason", ""), cause.get("message", ""), cause.get("field", ""))
            for cause in details.get("causes") or ()
        )
        return Status(raw.get("code") or code, raw.get("reason") or "", raw.get("message") or "", causes)
    except (msgspec.DecodeError, AttributeError, TypeError):
        return Status(code, "", body[:300].decode("utf-8", "replace").strip())


def translated(error: Exception) -> ClusterError | None:
    """What an exception of the HTTP client means; None for one that is a fault of ours."""
    if isinstance(error, ClusterError):
        return error
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Unauthorized(f"The cluster's certificate is not the one that was registered: {error}")
    if isinstance(error, aiohttp.ServerTimeoutError | asyncio.TimeoutError):
        return Unreachable("The cluster did not answer in time.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable(f"Nothing answers at {error.host}:{error.port}{_reason(error.os_error)}.")
    if isinstance(error, aiohttp.ClientError | ssl.SSLError | OSError):
        return Unreachable(f"The connection to the cluster broke: {str(error) or type(error).__name__}")
    if isinstance(error, RuntimeError) and "closed" in str(error).lower():
        return Unreachable(
            "The connection to the cluster was closed."
        )  # aiohttp's answer to a session closed meanwhile
    return None


def _reason(error: OSError) -> str:
    """Why a connection could not be opened, in the system's words: asyncio's own name all addresses that were tried."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return f" ({reason[0].lower()}{reason[1:]})" if reason else ""


def _seconds(retry_after: str | None) -> float:
    return min(float(retry_after), 60.0) if retry_after and retry_after.isdigit() else 1.0
