"""The Kubernetes namespace that applications run in: made when it is first needed, and marked as ours."""

from typing import Any

import msgspec

from nexus_gql.clusters import Conflicting, Connection, Missing

from .rendering import INSTALLATION


async def ensure_namespace(connection: Connection, name: str, installation_id: str) -> bool:
    """Make the namespace where it is not there; whether it was made. One that is there stays as it is, whoever made it."""
    if await namespace(connection, name) is not None:
        return False
    labels = {"app.kubernetes.io/managed-by": "nexus", INSTALLATION: installation_id}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    try:
        await connection.send("POST", "/api/v1/namespaces", body, query={"fieldManager": "nexus"})
    except Conflicting:
        return False  # somebody else was quicker
    return True


def made_here(found: dict[str, Any], installation_id: str) -> bool:
    """Whether this installation made a namespace."""
    labels = found["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/managed-by") == "nexus" and labels.get(INSTALLATION) == installation_id


async def delete_namespace(connection: Connection, found: dict[str, Any]) -> None:
    """Delete a namespace as it was read; what is in it goes with it. It takes a while."""
    metadata = found["metadata"]
    preconditions = {"uid": metadata["uid"]}
    try:
        await connection.send("DELETE", f"/api/v1/namespaces/{metadata['name']}", {"preconditions": preconditions})
    except (Missing, Conflicting):
        return  # gone, or made anew by somebody else, whose it is then


async def namespace(connection: Connection, name: str) -> dict[str, Any] | None:
    """The namespace as it is, or None."""
    try:
        found: dict[str, Any] = msgspec.json.decode(await connection.get(f"/api/v1/namespaces/{name}"))
    except Missing:
        return None
    return found
