"""What the documents say of the code is so."""

from pathlib import Path

import pytest

from nexus_gql.configuration import Configuration

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", Configuration.model_fields)
def test_every_variable_of_the_server_should_be_in_its_page_with_its_description(name: str) -> None:
    field = Configuration.model_fields[name]
    shown = "" if field.default is None or field.default == () else f"`{field.default}`"

    row = f"| `NEXUS_{name.upper()}` | {shown} | {field.description} |"

    assert row in (ROOT / "docs" / "configuration.md").read_text().splitlines()


def test_what_the_readme_links_to_should_be_there() -> None:
    text = (ROOT / "README.md").read_text()
    named = {part.partition(")")[0] for part in text.split("](")[1:]}

    assert [name for name in named if not name.startswith("https://") and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("script", ["demo", "test", "bench", "setup", "web", "demo-image"])
def test_every_verb_should_be_a_program(script: str) -> None:
    assert (ROOT / "scripts" / script).stat().st_mode & 0o111
