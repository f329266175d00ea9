"""Encryption and masking of stored secrets."""

from .encryption import Vault, VaultError, key_from_file, read_key
from .models import Secret

__all__ = ["Secret", "Vault", "VaultError", "key_from_file", "read_key"]
