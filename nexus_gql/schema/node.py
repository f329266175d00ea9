"""What has an id: stable, and unique over all types, since the type's name is part of it."""

import strawberry

from nexus_gql.problems import BadRequest


@strawberry.interface(
    description="Anything with an id that stays the same across restarts and is unique over all types."
)
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque; keep it as it is.")


def node_id(type_name: str, *keys: str) -> strawberry.ID:
    """The id of an object of a type."""
    return strawberry.ID(":".join((type_name, *keys)))


def key_of(node: str, type_name: str) -> str:
    """The key in the id of an object of a type; BadRequest where it is another's."""
    name, _, key = node.partition(":")
    if name != type_name or not key:
        raise BadRequest(f"{node[:100]!r} is no id of the type {type_name}.")
    return key
