"""Pages of lists. Cursors are keys, so an item that comes or goes moves nobody's place."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import strawberry

from nexus_gql.problems import BadRequest

T = TypeVar("T")

MOST = 1000


@strawberry.type(
    description="Where a page lies in its list. Lists are read forwards: hand `endCursor` back as `after`."
)
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more comes after this page.")
    has_previous_page: bool = strawberry.field(description="Whether something came before this page.")
    start_cursor: str | None = strawberry.field(description="Of the first item; null where there is none.")
    end_cursor: str | None = strawberry.field(description="Of the last item: hand it back as `after`.")


def page_size(first: int | None, default: int) -> int:
    """How many are asked for; BadRequest below 0 or above what is allowed."""
    size = default if first is None else first
    if not 0 <= size <= MOST:
        raise BadRequest(f"`first` lies between 0 and {MOST}; it is {size}.")
    return size


def cursor(kind: str, key: Any) -> str:
    """A key as a client holds it, with the kind of list that it is of: keys of different kinds may look alike."""
    return base64.urlsafe_b64encode(f"{kind}:".encode() + msgspec.json.encode(key)).decode().rstrip("=")


def key_at(kind: str, text: str, shape: type[T]) -> T:
    """The key in a cursor; BadRequest where it was not made here, or is of another kind of list."""
    try:
        made_for, _, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).partition(b":")
        if made_for == kind.encode():
            return msgspec.json.decode(key, type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise BadRequest("This cursor was not made here.") from error
    raise BadRequest(f"This cursor is of another list: one of {kind} is needed here.")


def page_of(
    items: Sequence[T], kind: str, key: Callable[[T], Any], shape: Any, *, first: int, after: str | None
) -> tuple[Sequence[T], PageInfo]:
    """A page of items that are sorted by a key."""
    start = 0
    if after is not None:
        start = bisect_right([key(item) for item in items], key_at(kind, after, shape))
    chosen = items[start : start + first]
    ends = [cursor(kind, key(item)) for item in chosen[:: max(1, len(chosen) - 1)]]
    return chosen, page_info(ends, start, len(items) - start - len(chosen))


def page_info(ends: Sequence[str], before: int, after: int) -> PageInfo:
    """The account of a page whose first and last cursors are `ends`."""
    return PageInfo(
        has_next_page=after > 0,
        has_previous_page=before > 0,
        start_cursor=ends[0] if ends else None,
        end_cursor=ends[-1] if ends else None,
    )
