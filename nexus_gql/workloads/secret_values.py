"""Secrets on their way to a cluster: the texts of an application's own ones, and the keys of those that must be there already."""

import json
from collections.abc import Mapping
from uuid import UUID

import msgspec

from nexus_gql.clusters import Connection, Denied, Missing
from nexus_gql.hierarchy import Document, Effective, Frozen, entries, is_secret
from nexus_gql.vault import Secret, Vault


class LostSecret(Exception):
    """A secret that settings refer to is not stored any more."""


async def secret_texts(vault: Vault, settings: Effective | Frozen) -> dict[str, str]:
    """The text of each secret variable: the version that the settings refer to or, where that was replaced since, today's."""
    leaves = [leaf for leaf in settings.values if leaf.is_secret]
    if not leaves:
        return {}
    rows = {row.id: row for row in await Secret.filter(id__in=[UUID(leaf.value["secret"]) for leaf in leaves])}
    texts = {}
    for leaf in leaves:
        row = rows.get(UUID(leaf.value["secret"])) or await Secret.get_or_none(
            level__path=leaf.origin.path, key=leaf.key
        )
        if row is None:
            raise LostSecret(
                f"The secret {leaf.key} that `{leaf.origin.path}` set is not there any more; set it again."
            )
        texts[leaf.key.removeprefix("env.")] = vault.decrypt(row.ciphertext, row=row.id, column=row.key)
    return texts


def fingerprint(vault: Vault, texts: Mapping[str, str]) -> str | None:
    """One short text for all secrets of an application: another one as soon as one of them changes."""
    return vault.fingerprint(json.dumps(sorted(texts.items()))) if texts else None


async def missing_keys(connection: Connection, namespace: str, settings: Document) -> dict[str, str]:
    """For each variable that refers to a Secret on the cluster and would find nothing there: what is missing."""
    wanted: dict[str, list[tuple[str, str]]] = {}
    for variable, value in entries(settings, "env").items():
        if not is_secret(value) and "secretKey" in value:
            wanted.setdefault(value["secretKey"]["secret"], []).append((variable, value["secretKey"]["key"]))
    found: dict[str, str] = {}
    for secret, uses in wanted.items():
        try:
            body = await connection.get(f"/api/v1/namespaces/{namespace}/secrets/{secret}", limit=5.0)
            keys = (msgspec.json.decode(body).get("data") or {}).keys()
        except Missing:
            found |= {variable: f"There is no Secret `{secret}` in `{namespace}`." for variable, _ in uses}
        except Denied:
            continue  # we may not look; the kubelet will
        else:
            found |= {
                variable: f"The Secret `{secret}` in `{namespace}` has no key `{key}`."
                for variable, key in uses
                if key not in keys
            }
    return found
