"""What a request asks for: read out of its path and its query, before anything is looked up."""

from dataclasses import dataclass

from starlette.datastructures import QueryParams

from nexus_gql.sandbox.kinds import BY_RESOURCE, Kind
from nexus_gql.sandbox.refusals import Cause, Refusal, bad_request, unknown_path


@dataclass(frozen=True, slots=True)
class Target:
    """What a path leads to: a kind, and perhaps a namespace, one object, and a part of it."""

    kind: Kind
    namespace: str | None
    name: str | None
    subresource: str | None


def target(path: str) -> Target:
    """The target of `/api/v1/…` or `/apis/group/version/…`; a Refusal where there is none."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise unknown_path()
    namespace = None
    # `namespaces/x` is an object, and so is `namespaces/x/status`; all else below it lies in it.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
        namespace, rest = rest[1], rest[2:]
    kind = BY_RESOURCE.get((group, version, rest[0]))
    if kind is None or len(rest) > 3 or (namespace is not None and not kind.namespaced):
        raise unknown_path()
    name = rest[1] if len(rest) > 1 else None
    if name is not None and kind.namespaced and namespace is None:
        raise unknown_path()
    return Target(kind, namespace, name, rest[2] if len(rest) > 2 else None)


@dataclass(frozen=True, slots=True)
class Write:
    """How a write is meant."""

    manager: str
    dry: bool
    validation: str
    force: bool


def write(query: QueryParams, user_agent: str, options: str) -> Write:
    """The options of a write; without a manager's name the program's own is taken, as the apiserver does."""
    dry = query.getlist("dryRun")
    if dry and dry != ["All"]:
        shown = "[" + ",".join(f'"{word}"' for word in dry) + "]"
        message = f'Unsupported value: {shown}: supported values: "All"'
        raise _options(options, Cause("FieldValueNotSupported", "dryRun", message))
    validation = query.get("fieldValidation") or "Warn"
    if validation not in {"Strict", "Warn", "Ignore"}:
        allowed = '"", "Ignore", "Strict", "Warn"'
        message = f'Unsupported value: "{validation}": supported values: {allowed}'
        raise _options(options, Cause("FieldValueNotSupported", "fieldValidation", message))
    manager = query.get("fieldManager") or user_agent.partition("/")[0] or "unknown"
    return Write(manager, bool(dry), validation, truth(query.get("force")))


def needs_manager(query: QueryParams) -> None:
    """An apply says who it is."""
    if not query.get("fieldManager"):
        message = "Required value: is required for apply patch"
        raise _options("PatchOptions", Cause("FieldValueRequired", "fieldManager", message))


def _options(kind: str, cause: Cause) -> Refusal:
    """Options are objects too, and broken ones are told like any other's."""
    details = {"group": "meta.k8s.io", "kind": kind, "causes": [cause.json()]}
    return Refusal(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {cause}', details)


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list or a watch is meant."""

    label_selector: str
    field_selector: str
    limit: int
    token: str
    version: int | None
    match: str
    watch: bool
    bookmarks: bool
    initial: bool
    timeout: int | None


def listing(query: QueryParams) -> Listing:
    """The options of a list or a watch."""
    found = Listing(
        label_selector=query.get("labelSelector", ""),
        field_selector=query.get("fieldSelector", ""),
        limit=_integer(query, "limit") or 0,
        token=query.get("continue", ""),
        version=_version(query.get("resourceVersion", "")),
        match=query.get("resourceVersionMatch", ""),
        watch=truth(query.get("watch")),
        bookmarks=truth(query.get("allowWatchBookmarks")),
        initial=truth(query.get("sendInitialEvents")),
        timeout=_integer(query, "timeoutSeconds"),
    )
    if found.match and found.version is None and not (found.watch and found.initial):
        message = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise _options("ListOptions", Cause("FieldValueForbidden", "resourceVersionMatch", message))
    if found.match == "Exact" and found.version == 0:
        message = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise _options("ListOptions", Cause("FieldValueForbidden", "resourceVersionMatch", message))
    return found


def truth(text: str | None) -> bool:
    """A flag in a query: there and empty means yes."""
    return text is not None and text.lower() not in {"false", "0"}


def _integer(query: QueryParams, name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _version(text: str) -> int | None:
    if not text:
        return None
    if not text.isdigit():
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}": {why}')
    return int(text)
