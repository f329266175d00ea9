"""A secret goes in and never comes out: not in an answer, an error, a log line, or in the clear in the database."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType, get_named_type, is_required_argument

from nexus_gql.schema import build_schema

from .hierarchy import CONFIGURE, CREATE_APPLICATION, configure, declare, declare_all, value
from .server import Nexus

SECRET = "correct-horse-battery-staple"
CHURN = "or/local/models/churn"
PATCH = {"env": [{"name": "PASSWORD", "value": {"secret": SECRET}}]}


@pytest.fixture(autouse=True)
def nothing_says_it(nexus: Nexus, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After each test: no answer, no log line and no file of the server holds the text."""
    caplog.set_level(logging.INFO)
    with structlog.testing.capture_logs() as lines:
        yield
    assert nexus.said
    assert not [text for text in nexus.said if SECRET in text]
    assert SECRET not in repr(lines)
    assert SECRET not in caplog.text
    holding = [file.name for file in tmp_path.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
    assert holding == []


async def test_a_secret_should_show_only_that_it_is_set(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    await configure(nexus, CHURN, PATCH)
    leaf = await value(nexus, CHURN, "env.PASSWORD")
    assert (leaf["value"], leaf["masked"]) == ({"secret": True}, True)
    document = "query ($path: Path!) { application(path: $path) { settings { document } effective { document } } }"
    found = (await nexus.execute(document, {"path": CHURN}))["application"]
    assert found["settings"]["document"] == {"env": {"PASSWORD": {"secret": True}}}
    assert found["effective"]["document"]["env"] == {"PASSWORD": {"secret": True}}


async def test_an_overridden_secret_should_be_masked_too(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    await configure(nexus, "or", PATCH)
    await configure(nexus, CHURN, {"env": [{"name": "PASSWORD", "value": {"text": "open"}}]})
    leaf = await value(nexus, CHURN, "env.PASSWORD")
    assert leaf["value"] == {"text": "open"}
    assert leaf["overrides"] == [{"origin": {"kind": "PROJECT", "path": "or"}, "value": {"secret": True}}]


async def test_guessing_a_secret_should_look_like_changing_it(nexus: Nexus) -> None:
    """Else somebody who may configure could try texts until nothing changes."""
    await declare_all(nexus, CHURN)
    await configure(nexus, CHURN, PATCH)
    right = await configure(nexus, CHURN, PATCH, dryRun=True)
    wrong = await configure(nexus, CHURN, {"env": [{"name": "PASSWORD", "value": {"secret": "x"}}]}, dryRun=True)
    assert right == wrong


async def test_a_placeholder_in_a_secret_should_be_no_way_to_read_it(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    await configure(nexus, CHURN, {"env": [{"name": "PASSWORD", "value": {"secret": SECRET + "${project}"}}]})
    assert (await value(nexus, CHURN, "env.PASSWORD"))["value"] == {"secret": True}


WRONG_PATCHES = {
    "beside a wrong setting": PATCH | {"replicas": -1},
    "named twice": {"env": [*PATCH["env"], *PATCH["env"]]},
    "under a wrong name": {"env": [{"name": "1 wrong", "value": {"secret": SECRET}}]},
    "set and inherited": PATCH | {"inherit": ["env.PASSWORD"]},
    "with NUL": {"env": [{"name": "PASSWORD", "value": {"secret": f"{SECRET}\0"}}]},
    "too long": {"env": [{"name": "PASSWORD", "value": {"secret": SECRET * 20_000}}]},
    "two values": {"env": [{"name": "PASSWORD", "value": {"secret": SECRET, "text": "x"}}]},
    "an unknown field": {"env": [{"name": "PASSWORD", "value": {"secret": SECRET}, "more": 1}]},
    "no list": {"env": {"name": 1, "value": {"secret": SECRET}}},
}


@pytest.mark.parametrize("patch", WRONG_PATCHES.values(), ids=WRONG_PATCHES)
async def test_a_refusal_should_not_repeat_a_secret(nexus: Nexus, patch: dict[str, object]) -> None:
    await declare_all(nexus, CHURN)
    for document, variables in (
        (CONFIGURE, {"path": CHURN, "patch": patch}),
        (CREATE_APPLICATION, {"input": {"namespace": "or/local/models", "name": "second", "settings": patch}}),
        (
            'mutation ($p: SettingsPatch!) { deploy(path: "or/local/models/churn", patch: $p) { problems { code message path } } }',
            {"p": patch},
        ),
    ):
        answer = await nexus.execute(document, variables)
        assert answer.errors or next(iter((answer.data or {}).values()))["problems"]


async def test_a_secret_in_the_document_itself_should_not_be_repeated_either(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    for document in (
        f'mutation {{ configure(path: "or", patch: {{env: [{{name: "P", value: {{secret: "{SECRET}", text: "x"}}}}]}}) {{ changed }} }}',
        f'mutation {{ configure(path: "or", patch: {{env: [{{name: "P", value: {{sekret: "{SECRET}"}}}}]}}) {{ changed }} }}',
        f'mutation {{ configure(path: "or", patch: {{env: [{{name: "P", value: {{secret: ["{SECRET}"]}}}}]}}) {{ changed }} }}',
    ):
        assert (await nexus.execute(document)).codes


async def test_a_kubeconfigs_content_should_not_come_out(nexus: Nexus) -> None:
    content = f"""{{clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:1"}}}}], current-context: x,
      contexts: [{{name: x, context: {{cluster: c, user: u}}}}], users: [{{name: u, user: {{token: {SECRET}}}}}]}}"""
    document = """mutation ($content: String!) { registerCluster(name: "dead", input: {kubeconfig: {content: $content}}) {
      cluster { name } problems { code message path remedy } } }"""
    answer = await nexus.execute(document, {"content": content})
    assert [one["code"] for one in answer["registerCluster"]["problems"]] == ["UNREACHABLE"]
    answer = await nexus.execute(document, {"content": content.replace("current-context: x,", "current-context: y,")})
    assert [one["code"] for one in answer["registerCluster"]["problems"]] == ["INVALID"]
    answer = await nexus.execute(document, {"content": content[:-3]})
    assert [one["code"] for one in answer["registerCluster"]["problems"]] == ["INVALID"]


async def test_everything_that_can_be_asked_of_an_application_should_not_tell(nexus: Nexus) -> None:
    await declare_all(nexus, "or/local/models")
    await declare(nexus, CHURN, settings=PATCH)
    await configure(nexus, "or", PATCH)
    schema = build_schema()._schema
    application = schema.type_map["Application"]
    assert isinstance(application, GraphQLObjectType)
    for part in _fields(application, 4):  # one by one: together they are more than a document may ask
        for document in (
            f'{{ application(path: "{CHURN}") {{ {part} }} }}',
            f'{{ level(path: "{CHURN}") {{ ... on Application {{ {part} }} }} }}',
        ):
            answer = await nexus.execute(document)
            assert answer.data, answer.text


def _everything(type_: object, depth: int) -> str:
    """A selection of all fields that need no argument, to a depth, each level's ancestors left out."""
    if isinstance(type_, GraphQLUnionType):
        return "{ __typename " + " ".join(f"... on {one.name} {_everything(one, depth)}" for one in type_.types) + " }"
    assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
    return "{ " + " ".join(_fields(type_, depth)) + " }"


def _fields(type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> list[str]:
    parts = ["__typename"]
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        composite = isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        if any(one.default_value is None or is_required_argument(one) for one in field.args.values()) or (
            name in {"value", "edges"} and field.args
        ):
            continue
        if composite and (depth == 1 or name in {"namespace", "application", "level", "cluster", "pods", "edges"}):
            continue
        alias = f"{name}{type_.name}: " if name in {"port", "secret", "set"} else ""
        parts.append(f"{alias}{name} {_everything(named, depth - 1) if composite else ''}")
    return parts


async def test_subscribers_should_not_be_told_either(nexus: Nexus) -> None:
    await declare_all(nexus, CHURN)
    document = """subscription { health(scope: "or") { kind upserted { path settings { document } effective { document values { key value } } } } }"""
    async with nexus.subscribe(document) as frames:
        first = await frames.next()
        assert first is not None
        await configure(nexus, CHURN, PATCH)
        await declare(nexus, "or/local/models/second", settings=PATCH)
        async with asyncio.timeout(10):
            second = await frames.next()
    assert second is not None
    assert SECRET not in first.text + second.text
    assert "or/local/models/second" in second.text
