"""The server's own settings."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from nexus_gql.configuration import Configuration


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Configuration.model_fields:
        monkeypatch.delenv(f"NEXUS_{field.upper()}", raising=False)


def test_the_defaults_should_serve_a_laptop() -> None:
    configuration = Configuration()
    assert configuration.host == "127.0.0.1"
    assert configuration.authentication == "none"
    assert configuration.database == f"sqlite://{Path('~/.nexus').expanduser().resolve()}/nexus.sqlite3"


def test_a_variable_should_win_over_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEXUS_PORT", "9000")
    monkeypatch.setenv("NEXUS_DATA", str(tmp_path))
    monkeypatch.setenv("NEXUS_ALLOWED_HOSTS", '["nexus.example"]')
    configuration = Configuration()
    assert (configuration.port, configuration.folder) == (9000, tmp_path.resolve())
    assert configuration.allowed_hosts == ("nexus.example",)


def test_a_database_url_should_be_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgres://somebody@localhost/nexus")
    assert Configuration().database == "postgres://somebody@localhost/nexus"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "70000"), ("PORT", "-1"), ("AUTHENTICATION", "maybe"), ("LOG_LEVEL", "loud"), ("SHUTDOWN_TIMEOUT", "0")],
)
def test_a_value_that_is_none_should_be_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"NEXUS_{name}", value)
    with pytest.raises(ValidationError):
        Configuration()


def test_the_key_should_not_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_VAULT_KEY", "hunter2")
    assert "hunter2" not in repr(Configuration())


@pytest.mark.parametrize("name", Configuration.model_fields)
def test_every_variable_should_say_what_it_is(name: str) -> None:
    assert (Configuration.model_fields[name].description or "").endswith(".")


@pytest.mark.parametrize("url", ["mysql://root:hunter2@localhost/nexus", "nexus.sqlite3", ""])
def test_a_database_of_another_kind_should_be_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Configuration(database_url=url)
    assert "sqlite:///path/to/file" in refused.value.errors()[0]["msg"]
    assert "hunter2" not in refused.value.errors()[0]["msg"]
