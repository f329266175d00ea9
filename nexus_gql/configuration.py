"""Settings of the server itself: `NEXUS_*` in the environment. Only `cli` and `app` read them; rooms are given plain values.

Every default serves a laptop.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Configuration(BaseSettings):
    """One field for each `NEXUS_…` variable; docs/configuration.md is written from the descriptions."""

    model_config = SettingsConfigDict(env_prefix="NEXUS_", extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback needs authentication.")
    port: int = Field(8090, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data: Path = Field(
        Path("~/.nexus"),
        description="Folder for what has no place of its own: the SQLite file, the vault's key, and what the sandboxes hold.",
    )
    database_url: str | None = Field(
        None,
        description="`sqlite:///path/to/file` or `postgres://user:password@host/name`; unset: a SQLite file in the data folder.",
    )
    vault_key: SecretStr | None = Field(
        None,
        description="32 bytes in base64 that encrypt stored secrets; unset: a key file in the data folder, made at the first start. Losing it loses the secrets.",
    )
    authentication: Literal["none", "tokens"] = Field(
        "none",
        description="`none`: whoever reaches the server is its administrator, so it listens on loopback only. `tokens`: API tokens.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Host names (JSON list) under which clients reach the server, besides loopback and the address it listens on.",
    )
    allowed_origins: tuple[str, ...] = Field(
        (),
        description="Origins (JSON list, `https://or.example`) whose pages may call the API, besides the server's own.",
    )
    kubeconfig_folder: Path | None = Field(
        None,
        description="Folder whose files `registerCluster` may name by path; unset: only content is taken, no path.",
    )
    docker_url: str | None = Field(
        None, description="The Docker engine, as in DOCKER_HOST; unset: that variable, else the usual sockets."
    )
    log_format: Literal["console", "json"] = Field("console", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )
    shutdown_timeout: float = Field(5.0, gt=0, description="Seconds that open requests are given at shutdown.")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        # The library would take other schemes, and fail at the driver that is not installed. It is not repeated: it may hold a password.
        if url is not None and not url.startswith(("sqlite://", "postgres://", "asyncpg://")):
            raise ValueError("A database is named as `sqlite:///path/to/file` or `postgres://user:password@host/name`.")
        return url

    @property
    def database(self) -> str:
        """The database's URL, whether given or the default."""
        return self.database_url or f"sqlite://{self.folder / 'nexus.sqlite3'}"

    @property
    def folder(self) -> Path:
        """The data folder with `~` expanded."""
        return self.data.expanduser().resolve()
