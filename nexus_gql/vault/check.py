"""Tells a wrong key when the server starts, instead of at the first secret."""

from nexus_gql.database import installation

from .encryption import Vault

_KNOWN = "nexus"


async def check_key(vault: Vault) -> None:
    """Raise VaultError where the database's secrets were encrypted under another key. The first key is remembered by a known text."""
    row = await installation()
    if row.vault_check is None:
        row.vault_check = vault.encrypt(_KNOWN, row=row.id, column="vault_check")
        await row.save(update_fields=["vault_check"])
    else:
        vault.decrypt(row.vault_check, row=row.id, column="vault_check")
