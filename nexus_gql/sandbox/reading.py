"""Get and list: pages, selectors and versions, straight from the stored JSON."""

import base64
import binascii
import json
from dataclasses import dataclass

from nexus_gql.sandbox import refusals, selectors
from nexus_gql.sandbox.kinds import Kind
from nexus_gql.sandbox.refusals import bad_request
from nexus_gql.sandbox.requests import Listing
from nexus_gql.sandbox.store import Row, Store

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: the rows, the version at which they were so, and how to go on."""

    rows: list[Row]
    version: int
    token: str = ""
    remaining: int | None = None


def page(store: Store, kind: Kind, namespace: str | None, asked: Listing) -> Page:
    """The page that was asked for."""
    version, after = _position(store, asked)
    is_now = version == store.version
    rows = store.rows(kind.name, namespace) if is_now else _past(store, kind, namespace, version)
    test = selection(kind, asked)
    if test is not None:
        rows = [row for row in rows if test(row.object)]
    rows.sort(key=_key)
    if after is not None:
        rows = [row for row in rows if _key(row) > after]
    if not asked.limit or len(rows) <= asked.limit:
        return Page(rows, version)
    kept = rows[: asked.limit]
    return Page(kept, version, _token(version, _key(kept[-1])), None if test else len(rows) - asked.limit)


def selection(kind: Kind, asked: Listing) -> selectors.Test | None:
    """The test that both selectors stand for."""
    by_label = selectors.by_label(asked.label_selector)
    return selectors.both(by_label, selectors.by_field(kind, asked.field_selector))


def json_list(kind: Kind, found: Page) -> bytes:
    """The page as it goes over the wire; in a list the items do not say their kind."""
    metadata: dict[str, object] = {"resourceVersion": str(found.version)}
    if found.token:
        metadata["continue"] = found.token
    if found.remaining is not None:
        metadata["remainingItemCount"] = found.remaining
    skip = len(f'{{"kind":"{kind.name}","apiVersion":"{kind.api_version}",')
    items = b",".join([b"{" + row.json[skip:] for row in found.rows])
    head = f'{{"kind":"{kind.name}List","apiVersion":"{kind.api_version}","metadata":{json.dumps(metadata)},"items":['
    return head.encode() + items + b"]}"


def _position(store: Store, asked: Listing) -> tuple[int, tuple[str, str] | None]:
    if asked.token:
        return _read_token(asked.token)
    if asked.version is not None and asked.version > store.version:
        raise refusals.too_large(asked.version, store.version)
    if asked.version and (asked.match == "Exact" or (asked.limit and not asked.match)):
        return asked.version, None
    return store.version, None


def _past(store: Store, kind: Kind, namespace: str | None, version: int) -> list[Row]:
    try:
        return store.rows_at(kind.name, namespace, version)
    except refusals.Refusal:
        raise refusals.gone(_EXPIRED) from None


def _key(row: Row) -> tuple[str, str]:
    metadata = row.object["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _token(version: int, after: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, *after]).encode()).decode().rstrip("=")


def _read_token(text: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(version), (str(namespace), str(name))
    except (ValueError, TypeError, binascii.Error):
        raise bad_request("invalid continue token: continue key is not valid") from None
