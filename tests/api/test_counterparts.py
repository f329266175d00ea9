"""The same application elsewhere, and how two differ."""

from typing import Any

import pytest

from .hierarchy import configure, declare_all
from .people import person
from .server import Nexus

LOCAL, PROD = "or/local/models/churn", "or/prod/models/churn"
COMPARE = """query ($path: Path!, $with: Path!) { application(path: $path) { compare(with: $with) { empty text
  changes { object field action before after } } } }"""
COUNTERPARTS = "query ($path: Path!) { application(path: $path) { counterparts { path } } }"


async def compare(nexus: Nexus, path: str = LOCAL, other: str = PROD, token: str | None = None) -> Any:
    return (await nexus.execute(COMPARE, {"path": path, "with": other}, token))["application"]["compare"]


async def counterparts(nexus: Nexus, path: str, token: str | None = None) -> list[str]:
    found = (await nexus.execute(COUNTERPARTS, {"path": path}, token))["application"]["counterparts"]
    return [one["path"] for one in found]


async def declare_them(nexus: Nexus) -> None:
    await declare_all(
        nexus, LOCAL, PROD, "or/dev/models/churn", "or/dev/models/other", "or/a/ddk/churn", "two/prod/models/churn"
    )


async def test_counterparts_should_have_the_same_namespace_and_name_in_the_same_project(nexus: Nexus) -> None:
    await declare_them(nexus)
    assert await counterparts(nexus, LOCAL) == ["or/dev/models/churn", PROD]
    assert await counterparts(nexus, "or/dev/models/other") == []


async def test_counterparts_and_comparisons_should_be_only_with_what_is_to_be_seen(guarded: Nexus) -> None:
    await declare_them(guarded)
    ann = await person(guarded, "ann", {"or/local": "VIEWER", "or/dev/models/churn": "VIEWER"})
    assert await counterparts(guarded, LOCAL, ann) == ["or/dev/models/churn"]
    assert await compare(guarded, token=ann) is None
    assert (await compare(guarded, other="or/dev/models/churn", token=ann))["empty"]


@pytest.mark.parametrize("other", ["or/no/models/churn", "or/prod/models", "or", "", "not a path//"])
async def test_a_comparison_with_what_is_no_application_should_be_null(nexus: Nexus, other: str) -> None:
    await declare_them(nexus)
    assert await compare(nexus, other=other) is None


async def test_alike_applications_should_have_an_empty_comparison(nexus: Nexus) -> None:
    await declare_them(nexus)
    assert await compare(nexus) == {"empty": True, "text": "", "changes": []}


async def test_each_setting_that_differs_should_be_told_with_the_other_as_what_was_before(nexus: Nexus) -> None:
    await declare_them(nexus)
    await configure(nexus, "or/prod", {"replicas": 3, "labels": [{"name": "team", "value": "ml"}]})
    await configure(nexus, LOCAL, {"image": {"tag": "2.0"}})
    found = await compare(nexus)
    assert not found["empty"]
    assert found["changes"] == [
        {"object": LOCAL, "field": "image.tag", "action": "ADD", "before": None, "after": "2.0"},
        {"object": LOCAL, "field": "labels.team", "action": "REMOVE", "before": "ml", "after": None},
        {"object": LOCAL, "field": "replicas", "action": "CHANGE", "before": 3, "after": 1},
    ]
    lines = found["text"].splitlines()
    assert lines[:2] == [f"--- {PROD}", f"+++ {LOCAL}"]
    assert {line for line in lines[2:] if line[0] in "+-"} == {
        "+image:",
        "+  tag: '2.0'",
        "-replicas: 3",
        "+replicas: 1",
        "-labels:",
        "-  team: ml",
    }


async def test_two_secrets_should_never_differ_and_never_be_shown(nexus: Nexus) -> None:
    await declare_them(nexus)
    for path, text in ((LOCAL, "hunter2"), (PROD, "hunter3"), ("or/dev/models/churn", "hunter2")):
        await configure(nexus, path, {"env": [{"name": name, "value": {"secret": text}} for name in ("KEY", "PIN")]})
    assert (await compare(nexus))["empty"]
    assert (await compare(nexus, other="or/dev/models/churn"))["empty"]
    found = await compare(nexus, LOCAL, "or/dev/models/other")
    told = [(change["field"], change["action"], change["after"]) for change in found["changes"]]
    assert told == [("env.KEY", "ADD", {"secret": True}), ("env.PIN", "ADD", {"secret": True})]
    assert found["text"].count("+    secret: true\n") == 2
    assert not any("hunter" in said for said in nexus.said)
