"""The cluster that this server itself runs in, as its pod's service account sees it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from kubernetes_asyncio.client import Configuration

from nexus_gql import clock

from .errors import Unauthorized
from .kubeconfig import Loaded

_FRESH = 60.0
"""Seconds that a token is used before its file is read again, as client-go does: the kubelet renews it long before it ends."""


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What Kubernetes gives a pod: a folder with `token` and `ca.crt`, and the apiserver's address in two variables."""

    folder: Path
    host: str
    port: str

    @property
    def there(self) -> bool:
        """Whether this is a pod that may speak with its apiserver."""
        return bool(self.host and self.port) and (self.folder / "token").is_file()

    @property
    def server(self) -> str:
        """The apiserver's address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


async def configuration(account: ServiceAccount | None) -> Loaded:
    """The client's configuration for the pod's own cluster."""
    if account is None or not account.there:
        raise Unauthorized("This server runs in no pod of Kubernetes, or in one without a service account's token.")
    certificate = account.folder / "ca.crt"
    if not await asyncio.to_thread(certificate.is_file):
        raise Unauthorized(f"The pod's service account has no certificate: {certificate} is missing.")
    loaded = Loaded()
    loaded.configuration.host = account.server
    loaded.configuration.ssl_ca_cert = str(certificate)
    # The client asks for the token at each request, and only where it has one already.
    token = _Token(account.folder / "token")
    token.renew(loaded.configuration)
    loaded.configuration.refresh_api_key_hook = token.renew
    return loaded


class _Token:
    """A token in a file that somebody else renews."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at = float("-inf")

    def renew(self, configuration: Configuration) -> None:
        """Give the client the token of now."""
        now = clock.elapsed()
        if now - self._read_at < _FRESH:
            return
        try:
            text = self._file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unauthorized(f"The token of the pod's service account cannot be read: {error}") from error
        configuration.api_key["BearerToken"] = f"Bearer {text}"
        self._read_at = now
