"""Encryption of what is stored and must not be read from the database alone.

AESGCM with the row and the column as associated data: a ciphertext that is moved to another row or column does not open.
"""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12


class VaultError(Exception):
    """The key is malformed, or is not the one that the text was encrypted with."""


class Vault:
    """Encrypts, decrypts and fingerprints under one key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise VaultError(f"The vault's key is {_KEY_BYTES} bytes in base64; this one is {len(key)} bytes.")
        self._cipher = AESGCM(key)
        # A key of its own, so that a fingerprint in a pod template says nothing about the encryption key.
        self._fingerprint_key = hmac.digest(key, b"nexus fingerprint", hashlib.sha256)

    def encrypt(self, text: str, *, row: object, column: str) -> bytes:
        """The text, bound to its place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), _place(row, column))

    def decrypt(self, ciphertext: bytes, *, row: object, column: str) -> str:
        """The text again; VaultError where key or place is another."""
        nonce, sealed = ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, _place(row, column)).decode()
        except (InvalidTag, ValueError) as error:  # ValueError: fewer bytes than any ciphertext has
            raise VaultError(
                "A stored secret does not open: the vault's key is not the one it was encrypted with."
            ) from error

    def fingerprint(self, text: str) -> str:
        """Equal for equal texts, and of no use to find the text: restarts pods when a secret changes."""
        return hmac.digest(self._fingerprint_key, text.encode(), hashlib.sha256).hex()[:16]


def _place(row: object, column: str) -> bytes:
    # The length keeps two places apart that are spelled alike, such as `a`, `b/c` and `a/b`, `c`.
    return f"{len(str(row))}/{row}/{column}".encode()


def read_key(encoded: str) -> bytes:
    """The key from its base64 form."""
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except ValueError as error:
        raise VaultError(f"The vault's key is {_KEY_BYTES} bytes in base64; this is not base64.") from error


def key_from_file(path: Path) -> bytes:
    """The key kept in a file that only its owner can read; made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make_key(path)
    return read_key(path.read_text())


def _make_key(path: Path) -> None:
    # Written beside and linked: a second process that starts meanwhile, or a crash, never finds a file without its key.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
