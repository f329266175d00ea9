"""Encryption and masking of stored secrets."""

from .check import check_key
from .encryption import Vault, VaultError, key_from_file, read_key
from .models import Secret

__all__ = ["Secret", "Vault", "VaultError", "check_key", "key_from_file", "read_key"]
