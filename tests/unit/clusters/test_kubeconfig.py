"""Kubeconfigs: what is read of them, and what is refused."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexus_gql.clusters import ClusterKind, Surroundings, Target, Unauthorized
from nexus_gql.clusters.kubeconfig import (
    Loaded,
    UnusableKubeconfig,
    at,
    chosen,
    configuration,
    contexts,
    parse,
    restrict,
    server,
)
from nexus_gql.clusters.targets import allowed_path, load, target

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n").decode()


def config(*, cluster: Mapping[str, Any] | None = None, user: Any = None, **more: Any) -> dict[str, Any]:
    """A kubeconfig as `kubectl config view --raw` writes it, with one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dev",
        "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "https://10.0.0.1:6443"}}],
        "users": [{"name": "u", "user": {"token": "t0ken"} if user is None else user}],
        "preferences": {},
        **more,
    }


def text(**changes: Any) -> str:
    return yaml.safe_dump(config(**changes))


def test_a_kubeconfig_should_be_cut_down_to_one_context() -> None:
    more = config()
    more["contexts"].append({"name": "other", "context": {"cluster": "c2", "user": "u2"}})
    more["clusters"].append({"name": "c2", "cluster": {"server": "https://other"}})
    more["users"].append({"name": "u2", "user": {"token": "other"}})
    parsed = parse(yaml.safe_dump(more))

    assert contexts(parsed) == ["dev", "other"]
    assert server(chosen(parsed, None)) == "https://10.0.0.1:6443"
    one = chosen(parsed, "other")
    assert (server(one), one["users"]) == ("https://other", [{"name": "u2", "user": {"token": "other"}}])
    assert contexts(one) == ["other"]


def test_a_context_without_a_user_should_be_nobody() -> None:
    parsed = parse(text(contexts=[{"name": "dev", "context": {"cluster": "c"}}]))

    assert chosen(parsed, None)["users"] == [{"name": "nobody", "user": {}}]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "has not"),
        ("just words", "has not"),
        ("[]", "has not"),
        ("clusters: {}", "has not"),
        ("{", "no YAML"),
        ("a: [" * 3000, "no YAML"),
        ("!!python/object/apply:os.system ['true']", "no YAML"),
        ("x" * 1_000_001, "1 MB"),
    ],
)
def test_what_is_no_kubeconfig_should_be_refused_in_words(written: str, words: str) -> None:
    with pytest.raises(UnusableKubeconfig, match=words):
        parse(written)


def bomb(merge: str) -> str:
    """Nine names, each ten times the one before: a billion words from a few lines."""
    lines = ["a0: &a0 {x: y}"]
    for level in range(1, 10):
        names = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} {{{merge}: [{names}]}}")
    return "\n".join([*lines, "clusters: [{name: *a9}]", "contexts: [{name: *a9}]", "current-context: x"])


@pytest.mark.parametrize("merge", ["y", "<<"], ids=["by alias", "by merge"])
def test_a_few_lines_that_stand_for_gigabytes_should_be_refused(merge: str) -> None:
    with pytest.raises(UnusableKubeconfig, match="refers to a part of itself"):
        parse(bomb(merge))


@pytest.mark.parametrize(
    ("changes", "context", "words"),
    [
        ({"current-context": None}, None, "name one of dev"),
        ({}, "prod", "no context `prod`; there are dev"),
        ({"contexts": None}, "dev", "there are none"),
        ({"contexts": "dev"}, "dev", "there are none"),
        ({"contexts": [{"name": ["dev"]}, 7, None, {}]}, "dev", "there are none"),
        ({"contexts": [{"name": "dev", "context": {"cluster": "gone", "user": "u"}}]}, None, "no cluster `gone`"),
        ({"contexts": [{"name": "dev", "context": {"cluster": "c", "user": "gone"}}]}, None, "no user `gone`"),
        ({"contexts": [{"name": "dev", "context": "c"}]}, None, "holds no fields"),
        ({"clusters": [{"name": "c", "cluster": ["https://x"]}]}, None, "holds no fields"),
        ({"users": [{"name": "u", "user": "me"}]}, None, "holds no fields"),
        ({"current-context": {"a": 1}}, None, "no context"),
    ],
)
def test_a_context_that_leads_nowhere_should_be_refused_in_words(
    changes: dict[str, Any], context: str | None, words: str
) -> None:
    with pytest.raises(UnusableKubeconfig, match=words):
        chosen(parse(text(**changes)), context)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"user": {"exec": {"command": "aws"}}}, "`exec`, a program"),
        ({"user": {"exec": None}}, "`exec`, a program"),
        ({"user": {"auth-provider": {"name": "gcp"}}}, "`auth-provider`, a program"),
        ({"user": {"tokenFile": "/var/run/secrets/token"}}, "`tokenFile`"),
        ({"user": {"client-certificate": "/etc/passwd"}}, "`client-certificate`"),
        ({"user": {"client-key": "k.pem", "client-certificate-data": PEM}}, "`client-key`"),
        ({"cluster": {"server": "https://x", "certificate-authority": "/etc/passwd"}}, "`certificate-authority`"),
        ({"cluster": {"server": "https://x", "proxy-url": "http://10.0.0.1"}}, "proxy-url"),
        ({"cluster": {"server": "unix:///var/run/docker.sock"}}, "https://"),
        ({"cluster": {"server": "file:///etc/passwd"}}, "https://"),
        ({"cluster": {"insecure-skip-tls-verify": True}}, "no `server`"),
    ],
)
def test_content_that_would_use_this_machine_should_be_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UnusableKubeconfig, match=words):
        restrict(chosen(parse(text(**changes)), None))


def test_tokens_and_inline_certificates_should_be_taken() -> None:
    user = {"client-certificate-data": PEM, "client-key-data": PEM}
    for good in (text(), text(user=user), text(cluster={"server": "https://x", "certificate-authority-data": PEM})):
        restrict(chosen(parse(good), None))


def test_another_address_should_leave_the_original_as_it_is() -> None:
    original = chosen(parse(text()), None)

    assert server(at(original, "https://127.0.0.1:40000")) == "https://127.0.0.1:40000"
    assert server(original) == "https://10.0.0.1:6443"


async def test_inline_certificates_should_lie_in_private_files_until_they_are_read() -> None:
    inline = {"server": "https://x", "certificate-authority-data": PEM}
    loaded = await configuration(chosen(parse(text(cluster=inline)), None))

    assert written(loaded) == (base64.b64decode(PEM), 0o600)
    loaded.close()
    with pytest.raises(FileNotFoundError):
        written(loaded)


def written(loaded: Loaded) -> tuple[bytes, int]:
    """What the certificate's file holds, and who may read it."""
    file = Path(loaded.configuration.ssl_ca_cert or "")
    return file.read_bytes(), file.stat().st_mode & 0o777


async def test_a_token_should_be_in_the_configuration() -> None:
    loaded = await configuration(chosen(parse(text()), None))
    loaded.close()

    assert loaded.configuration.host == "https://10.0.0.1:6443"
    assert loaded.configuration.api_key["BearerToken"].endswith("t0ken")


@pytest.mark.parametrize(
    "changes",
    [{"user": {"client-certificate-data": "%%%"}}, {"user": {"client-key-data": 7}}],
)
async def test_a_kubeconfig_that_cannot_be_used_should_be_unauthorized(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized, match="cannot be used"):
        await configuration(chosen(parse(text(**changes)), None))


# ── paths ──


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../secret", "~nobody-of-that-name/x", "a\0b", "link", "loop/x"]
)
def test_a_path_outside_the_folder_should_be_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "kubeconfigs"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to("loop")

    with pytest.raises(UnusableKubeconfig):
        allowed_path(name, folder)


def test_a_path_in_the_folder_should_be_taken_however_it_is_written(tmp_path: Path) -> None:
    for name in ("config", "./config", "a/../config", str(tmp_path / "config")):
        assert allowed_path(name, tmp_path) == tmp_path / "config"


def test_no_path_should_be_taken_where_no_folder_is_named() -> None:
    with pytest.raises(UnusableKubeconfig, match="takes no path"):
        allowed_path("config", None)


async def test_files_that_a_kubeconfig_names_should_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file")
    (tmp_path / "ca.pem").write_bytes(base64.b64decode(PEM))
    named = {"server": "https://x", "certificate-authority": "ca.pem"}
    (tmp_path / "config").write_text(text(cluster=named, user={"tokenFile": "token"}))

    loaded = await load(Target(ClusterKind.KUBECONFIG, path="config"), Surroundings(kubeconfig_folder=tmp_path))
    loaded.close()

    assert loaded.configuration.ssl_ca_cert == str(tmp_path / "ca.pem")
    assert loaded.configuration.api_key["BearerToken"].endswith("from-file")


@pytest.mark.parametrize("wanted", [{"path": "gone"}, {"path": "../x"}, {"content": "x"}, {"path": "binary"}])
async def test_a_kubeconfig_that_cannot_be_loaded_should_be_unauthorized(
    tmp_path: Path, wanted: dict[str, str]
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(Unauthorized):
        await load(Target(ClusterKind.KUBECONFIG, **wanted), Surroundings(kubeconfig_folder=tmp_path))


async def test_content_should_be_restricted_again_where_it_is_used() -> None:
    wanted = Target(ClusterKind.KUBECONFIG, content=text(user={"exec": {"command": "true"}}))

    with pytest.raises(Unauthorized, match="a program"):
        await load(wanted, Surroundings())


def test_what_is_stored_in_the_clear_should_hold_no_content_and_lead_back_to_the_target() -> None:
    wanted = Target(ClusterKind.KUBECONFIG, context="dev", content="t0ken")

    assert wanted.shown == {"context": "dev", "content": True}
    assert "t0ken" not in str(wanted.shown)
    assert target("KUBECONFIG", wanted.shown, "t0ken") == wanted
    assert target("KIND", Target(ClusterKind.KIND, name="dev").shown, None) == Target(ClusterKind.KIND, name="dev")
