"""What the apiserver answers when it does not do what it was asked: the words and codes of its Status objects."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexus_gql.sandbox.kinds import Kind

Object = dict[str, Any]


class Refusal(Exception):
    """A request is not carried out; becomes a Status object with this HTTP code."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> Object:
        """The answer as the apiserver writes it."""
        found: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            found["reason"] = self.reason
        if self.details is not None:
            found["details"] = self.details
        return {**found, "code": self.code}


def success(kind: "Kind", name: str, uid: str) -> Object:
    """What a finished deletion answers."""
    details = {"name": name, **_of_group(kind), "kind": kind.plural, "uid": uid}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def not_found(kind: "Kind", name: str) -> Refusal:
    """No such object."""
    return Refusal(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def already_exists(kind: "Kind", name: str) -> Refusal:
    """The name is taken."""
    return Refusal(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def modified(kind: "Kind", name: str) -> Refusal:
    """The object is not the one that the request was made for."""
    return conflict(
        kind, name, "the object has been modified; please apply your changes to the latest version and try again"
    )


def other_uid(kind: "Kind", name: str, wanted: str, found: str) -> Refusal:
    """A deletion is meant for another object of that name."""
    why = (
        f"the UID in the precondition ({wanted}) does not match the UID in record ({found}). "
        "The object might have been deleted and then recreated"
    )
    return _unmet(kind, name, why)


def other_version(kind: "Kind", name: str, wanted: str, found: str) -> Refusal:
    """A deletion is meant for the object as it was."""
    why = (
        f"the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({found}). "
        "The object might have been modified"
    )
    return _unmet(kind, name, why)


def _unmet(kind: "Kind", name: str, why: str) -> Refusal:
    full = f"{kind.name}.{kind.group}" if kind.group else kind.name
    message = f'Operation cannot be fulfilled on {full} "{name}": {why}'
    return Refusal(409, "Conflict", message, {"name": name, **_of_group(kind), "kind": kind.name})


def replaced(kind: "Kind", name: str, wanted: str, found: str) -> Refusal:
    """An update is meant for another object of that name."""
    return conflict(kind, name, f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}")


def conflict(kind: "Kind", name: str, why: str) -> Refusal:
    """The object is in a state in which this cannot be done."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refusal(409, "Conflict", message, _details(kind, name))


def forbidden(kind: "Kind", name: str, why: str, causes: list[Object] | None = None) -> Refusal:
    """Known, and not allowed."""
    shown = f' "{name}"' if name else ""
    details = _details(kind, name)
    if causes:
        details["causes"] = causes
    return Refusal(403, "Forbidden", f"{kind.resource}{shown} is forbidden: {why}", details)


def invalid(kind: "Kind", name: str, causes: "Iterable[Cause]") -> Refusal:
    """The object breaks rules: one cause for each."""
    found = list(causes)
    texts = list(dict.fromkeys(str(cause) for cause in found))
    words = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {
        "name": name,
        "group": kind.group,
        "kind": kind.name,
        "causes": [cause.json() for cause in found],
    }
    details = {field: value for field, value in details.items() if value != ""}
    kind_name = f"{kind.name}.{kind.group}" if kind.group else kind.name
    return Refusal(422, "Invalid", f'{kind_name} "{name}" is invalid: {words}', details)


class Cause:
    """One broken rule: where, what kind, and the sentence."""

    __slots__ = ("field", "message", "reason")

    def __init__(self, reason: str, field: str, message: str) -> None:
        self.reason = reason
        self.field = field
        self.message = message

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"

    def json(self) -> Object:
        """As it stands in a Status."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def bad_request(message: str) -> Refusal:
    """The request itself makes no sense."""
    return Refusal(400, "BadRequest", message)


def gone(message: str) -> Refusal:
    """The version asked for is no longer kept: list again."""
    return Refusal(410, "Expired", message)


def too_old(version: int, oldest: int) -> Refusal:
    """A watch from before what is kept."""
    return gone(f"too old resource version: {version} ({oldest})")


def too_large(version: int, newest: int) -> Refusal:
    """A version that is not there yet."""
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    return Refusal(504, "Timeout", f"Timeout: Too large resource version: {version}, current: {newest}", details)


def unknown_path() -> Refusal:
    """No such resource on this server."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def wrong_method() -> Refusal:
    """The resource does not do this."""
    return Refusal(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def unauthorized() -> Refusal:
    """No token, or another one."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def _details(kind: "Kind", name: str) -> Object:
    named = {"name": name} if name else {}
    return {**named, **_of_group(kind), "kind": kind.plural}


def _of_group(kind: "Kind") -> Object:
    return {"group": kind.group} if kind.group else {}
