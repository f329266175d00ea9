"""Kubeconfigs: read, restricted, and turned into the client's configuration."""

import asyncio
import base64
import binascii
import tempfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException, load_kube_config_from_dict

from .errors import Unauthorized

_SIZE_LIMIT = 1_000_000
_FILES = ("certificate-authority", "client-certificate", "client-key")


class UnusableKubeconfig(ValueError):
    """The message says what is wrong with it."""


# libyaml's loader, ten times as fast as its twin in Python, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str) -> dict[str, Any]:
    """The mapping that a kubeconfig's text spells."""
    if len(text) > _SIZE_LIMIT:
        raise UnusableKubeconfig("A kubeconfig is smaller than 1 MB; this is not.")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _LOADER)):
            # A kubeconfig needs none, and a few lines of them stand for gigabytes ("billion laughs").
            raise UnusableKubeconfig("It refers to a part of itself (`*name`), which is not taken.")
        config = yaml.load(text, _LOADER)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        raise UnusableKubeconfig(f"This is no YAML: {str(error)[:200]}") from error
    if not isinstance(config, dict) or not isinstance(config.get("clusters"), list):
        raise UnusableKubeconfig("A kubeconfig has `clusters`, `contexts` and `users`; this has not.")
    return config


def contexts(config: Mapping[str, Any]) -> list[str]:
    """The names of its contexts."""
    return _names(config, "contexts")


def chosen(config: Mapping[str, Any], context: str | None) -> dict[str, Any]:
    """A kubeconfig with one context, one cluster and one user: the named one's, else the current one's."""
    name = context or config.get("current-context")
    if not name:
        raise UnusableKubeconfig(f"It has no current context; name one of {', '.join(contexts(config)) or 'none'}.")
    there = _mapping(_named(config, "contexts", name), "context")
    cluster = _named(config, "clusters", there.get("cluster"))
    user = _named(config, "users", there["user"]) if there.get("user") else {"name": "nobody", "user": {}}
    cluster, user = (
        {"name": entry["name"], part: _mapping(entry, part)} for entry, part in ((cluster, "cluster"), (user, "user"))
    )
    if not str(cluster["cluster"].get("server")).startswith(("https://", "http://")):
        # Without one the client would take this machine for the cluster.
        raise UnusableKubeconfig("Its cluster has no `server` that begins with https:// or http://.")
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": cluster["name"], "user": user["name"]}}],
        "clusters": [cluster],
        "users": [user],
    }


def _named(config: Mapping[str, Any], section: str, name: Any) -> dict[str, Any]:
    for entry in _entries(config, section):
        if entry["name"] == name:
            return entry
    there = ", ".join(_names(config, section)) or "none"
    raise UnusableKubeconfig(f"It has no {section[:-1]} `{str(name)[:80]}`; there are {there}.")


def _names(config: Mapping[str, Any], section: str) -> list[str]:
    return [entry["name"] for entry in _entries(config, section)]


def _entries(config: Mapping[str, Any], section: str) -> Iterator[dict[str, Any]]:
    """The entries of a section that can be told apart by a name."""
    found = config.get(section)
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("name"), str):
            yield entry


def _mapping(entry: Mapping[str, Any], part: str) -> dict[str, Any]:
    found = entry.get(part) or {}
    if not isinstance(found, dict):
        raise UnusableKubeconfig(f"The {part} `{entry['name']}` holds no fields.")
    return found


def restrict(config: Mapping[str, Any]) -> None:
    """Refuse what would make this server run a program, read its own files, or speak through a proxy for whoever sent it.

    `config` is one that `chosen` made.
    """
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    for name in ("exec", "auth-provider"):
        if name in user:
            raise UnusableKubeconfig(
                f"It gets its credentials by `{name}`, a program; use a token or a client certificate."
            )
    for part in (cluster, user):
        for name in (*_FILES, "tokenFile"):
            if name in part:
                raise UnusableKubeconfig(
                    f"It refers to a file (`{name}`); put the content in (`{name}-data`, `token`)."
                )
    if "proxy-url" in cluster:
        raise UnusableKubeconfig("It goes through a proxy (`proxy-url`), which is not taken from content.")


def at(config: dict[str, Any], server: str) -> dict[str, Any]:
    """The same kubeconfig with another address."""
    moved = deepcopy(config)
    moved["clusters"][0]["cluster"]["server"] = server
    return moved


def server(config: Mapping[str, Any]) -> str:
    """The address in a chosen kubeconfig."""
    return str(config["clusters"][0]["cluster"].get("server", ""))


async def configuration(config: dict[str, Any], folder: Path | None = None) -> "Loaded":
    """The client's configuration of a chosen kubeconfig. `folder`: where files that it names lie."""
    loaded = Loaded()
    try:
        prepared = await asyncio.to_thread(loaded.with_files, config, folder)
        await load_kube_config_from_dict(prepared, client_configuration=loaded.configuration)
    except (ConfigException, UnusableKubeconfig, KeyError, TypeError, AttributeError, AssertionError) as error:
        loaded.close()
        raise Unauthorized(f"The kubeconfig cannot be used: {error}") from error
    except BaseException:
        loaded.close()
        raise
    return loaded


class Loaded:
    """A configuration whose certificates lie in a folder that lives until the client has read them.

    The library would write them to files of its own that stay until the process ends, or for ever where it is killed.
    """

    def __init__(self) -> None:
        self.configuration = Configuration()
        self._folder = tempfile.TemporaryDirectory(prefix="nexus-")

    def with_files(self, config: dict[str, Any], base: Path | None) -> dict[str, Any]:
        """The kubeconfig with its inline certificates and keys as files."""
        prepared = deepcopy(config)
        parts = [prepared["clusters"][0].get("cluster") or {}, prepared["users"][0].get("user") or {}]
        for part in parts:
            for name in _FILES:
                if (data := part.pop(f"{name}-data", None)) is not None:
                    part[name] = self._file(name, data)
                elif name in part and base is not None:
                    part[name] = str(base / part[name])
            if "tokenFile" in part and base is not None:
                part["tokenFile"] = str(base / part["tokenFile"])
        return prepared

    def _file(self, name: str, data: str) -> str:
        try:
            content = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            raise UnusableKubeconfig(f"`{name}-data` is not base64.") from error
        path = Path(self._folder.name) / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return str(path)

    def close(self) -> None:
        """Delete the files."""
        self._folder.cleanup()
