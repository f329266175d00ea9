"""Tokens: shown once, narrowed, ended; and who comes without one."""

import asyncio
from typing import Any

import pytest

from .hierarchy import declare_all
from .people import GRANT, person
from .server import Closed, Nexus

CHURN = "or/local/models/churn"
CREATE = """mutation ($name: String!, $role: Role!, $path: Path, $expiresIn: Duration) {
  createToken(name: $name, role: $role, path: $path, expiresIn: $expiresIn) { secret
    token { id name role path createdBy createdAt expiresAt lastUsedAt } problems { code path } } }"""
REVOKE = "mutation ($id: ID!) { revokeToken(id: $id) { deleted problems { code path } } }"
HEALTH = 'subscription { health(scope: "or") { kind } }'


async def made(nexus: Nexus, token: str | None = None, **given: Any) -> Any:
    return await nexus.mutate(CREATE, {"name": "ci", "role": "ADMIN"} | given, token)


@pytest.mark.parametrize("token", [None, "nxs_wrong", "", "Bearer"])
async def test_nobody_should_be_answered_without_a_token_that_is_known(guarded: Nexus, token: str | None) -> None:
    guarded.token = None
    answer = await guarded.execute("{ viewer { name } }", token=token)
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.data is None
    with pytest.raises(Closed) as closed:
        async with guarded.subscribe(HEALTH, token=token):
            pass
    assert closed.value.code == 4401


async def test_a_secret_should_be_shown_once(guarded: Nexus) -> None:
    payload = await made(guarded, role="VIEWER", expiresIn="12h")
    token, secret = payload["token"], payload["secret"]
    assert (token["name"], token["role"], token["path"], token["createdBy"]) == ("ci", "VIEWER", None, "operator")
    assert token["expiresAt"] > token["createdAt"]
    assert token["lastUsedAt"] is None
    answer = await guarded.execute("{ viewer { name role via } }", token=secret)
    assert answer["viewer"] == {"name": "operator", "role": "VIEWER", "via": "token ci"}
    listed = await guarded.execute("{ tokens { id name lastUsedAt } }")
    assert listed["tokens"][0]["id"] == token["id"]
    assert listed["tokens"][0]["lastUsedAt"] is not None
    assert sum(secret in text for text in guarded.said) == 1


async def test_a_token_should_be_narrowed_to_its_role_and_path(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN, "or/prod")
    secret = (await made(guarded, role="DEPLOYER", path="or/local"))["secret"]
    document = 'query { viewer { role } a: level(path: "or/local") { viewerRole } b: level(path: "or/prod") { path } c: level(path: "or") { viewerRole } }'
    answer = await guarded.execute(document, token=secret)
    assert answer.data == {
        "viewer": {"role": "NONE"},
        "a": {"viewerRole": "DEPLOYER"},
        "b": None,
        "c": {"viewerRole": "NONE"},
    }


async def test_a_token_should_never_be_more_than_the_person_is_now(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN)
    ann = await person(guarded, "ann", {"or": "ADMIN"})
    secret = (await made(guarded, ann, path="or"))["secret"]
    document = '{ level(path: "or/local") { viewerRole } }'
    assert (await guarded.execute(document, token=secret))["level"] == {"viewerRole": "ADMIN"}
    await guarded.mutate(GRANT, {"subject": "ann", "role": "VIEWER", "path": "or"})
    assert (await guarded.execute(document, token=secret))["level"] == {"viewerRole": "VIEWER"}
    await guarded.mutate(GRANT, {"subject": "ann", "role": "NONE", "path": "or"})
    assert (await guarded.execute(document, token=secret))["level"] is None


@pytest.mark.parametrize(("role", "path"), [("DEPLOYER", "or"), ("ADMIN", CHURN)])
async def test_nobody_should_make_a_token_above_their_own_role(guarded: Nexus, role: str, path: str) -> None:
    await declare_all(guarded, CHURN)
    ann = await person(guarded, "ann", {"or": "VIEWER"})
    answer = await guarded.execute(CREATE, {"name": "ci", "role": role, "path": path}, ann)
    assert answer["createToken"] == {
        "secret": None,
        "token": None,
        "problems": [{"code": "FORBIDDEN", "path": ["role"]}],
    }


async def test_a_token_should_not_make_one_that_outlasts_it(guarded: Nexus) -> None:
    short = await made(guarded, expiresIn="1h")
    document = CREATE.replace("problems {", "warnings { code message path remedy } problems {")
    longer = await guarded.mutate(document, {"name": "more", "role": "ADMIN", "expiresIn": "2h"}, short["secret"])
    endless = await guarded.mutate(document, {"name": "more", "role": "ADMIN"}, short["secret"])
    for one in (longer, endless):
        assert one["token"]["expiresAt"] == short["token"]["expiresAt"]
        (warning,) = one["warnings"]
        assert (warning["code"], warning["path"]) == ("LIMIT", ["expiresIn"])
    shorter = await guarded.mutate(document, {"name": "less", "role": "ADMIN", "expiresIn": "1m"}, short["secret"])
    assert shorter["warnings"] == []


async def test_a_weaker_token_should_neither_see_nor_end_a_stronger_one(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN)
    strong = await made(guarded, name="strong")
    weak = await made(guarded, name="weak", role="VIEWER", path="or/local")
    names = "{ tokens { name } }"
    assert (await guarded.execute(names, token=weak["secret"]))["tokens"] == [{"name": "weak"}]
    key = strong["token"]["id"]
    found = await guarded.execute("query ($id: ID!) { node(id: $id) { id } }", {"id": key}, weak["secret"])
    assert found["node"] is None
    answer = await guarded.execute(REVOKE, {"id": key}, weak["secret"])
    assert answer["revokeToken"] == {"deleted": None, "problems": [{"code": "NOT_FOUND", "path": ["id"]}]}
    assert (await guarded.execute("{ viewer { via } }", token=strong["secret"]))["viewer"] == {"via": "token strong"}
    assert (await guarded.mutate(REVOKE, {"id": weak["token"]["id"]}, weak["secret"]))["deleted"] == weak["token"]["id"]


async def test_an_expired_token_should_be_over(guarded: Nexus) -> None:
    secret = (await made(guarded, expiresIn="1ms"))["secret"]
    async with asyncio.timeout(10):
        while (await guarded.execute("{ viewer { name } }", token=secret)).codes != ["UNAUTHENTICATED"]:
            pass


async def test_a_revoked_token_should_be_over_at_once(guarded: Nexus) -> None:
    payload = await made(guarded)
    assert (await guarded.mutate(REVOKE, {"id": payload["token"]["id"]}))["deleted"] == payload["token"]["id"]
    answer = await guarded.execute("{ viewer { name } }", token=payload["secret"])
    assert answer.codes == ["UNAUTHENTICATED"]
    again = await guarded.execute(REVOKE, {"id": payload["token"]["id"]})
    assert again["revokeToken"]["problems"] == [{"code": "NOT_FOUND", "path": ["id"]}]


async def test_a_subscription_should_end_with_its_token(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN)
    secret = (await made(guarded, expiresIn="3s"))["secret"]  # so long it has to be good, on a busy machine too
    async with guarded.subscribe(HEALTH, token=secret) as frames:
        assert await frames.next() is not None
        with pytest.raises(Closed) as closed:
            await frames.next()
    assert closed.value.code == 4403


async def test_an_open_subscription_should_be_closed_when_its_token_is_revoked(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN)
    payload = await made(guarded)
    async with guarded.subscribe(HEALTH, token=payload["secret"]) as frames:
        assert await frames.next() is not None
        await guarded.mutate(REVOKE, {"id": payload["token"]["id"]})
        await guarded.sessions.look()  # as the server does every few seconds
        with pytest.raises(Closed) as closed:
            await frames.next()
    assert closed.value.code == 4403


async def test_an_open_subscription_should_be_closed_when_its_viewers_grants_change(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN)
    ann = await person(guarded, "ann", {"or": "VIEWER"})
    async with guarded.subscribe(HEALTH, token=ann) as frames:
        assert await frames.next() is not None
        await guarded.mutate(GRANT, {"subject": "ann", "role": "NONE", "path": "or"})
        await guarded.sessions.look()
        with pytest.raises(Closed) as closed:
            await frames.next()
    assert closed.value.code == 4403


async def test_tokens_should_be_listed_to_their_maker_and_to_who_administers_everything(guarded: Nexus) -> None:
    ann, bob = await person(guarded, "ann", {None: "VIEWER"}), await person(guarded, "bob", {None: "VIEWER"})
    names = "{ tokens { id name createdBy } }"
    assert {one["createdBy"] for one in (await guarded.execute(names, token=ann))["tokens"]} == {"ann"}
    assert {one["createdBy"] for one in (await guarded.execute(names))["tokens"]} == {"ann", "bob", "operator"}
    of_bob = (await guarded.execute(names, token=bob))["tokens"][0]["id"]
    answer = await guarded.execute(REVOKE, {"id": of_bob}, ann)
    assert answer["revokeToken"]["problems"] == [{"code": "NOT_FOUND", "path": ["id"]}]


async def test_grants_should_be_read_below_at_and_above_a_path(guarded: Nexus) -> None:
    await declare_all(guarded, CHURN, "or/prod", "other")
    for subject, path in (("all", None), ("or", "or"), ("churn", CHURN), ("prod", "or/prod"), ("other", "other")):
        await guarded.mutate(GRANT, {"subject": subject, "role": "VIEWER", "path": path})
    document = "query ($path: Path) { grants(path: $path) { subject role path } }"
    found = (await guarded.execute(document, {"path": "or/local"}))["grants"]
    assert {one["subject"] for one in found} == {"all", "or", "churn"}
    assert {one["subject"] for one in (await guarded.execute(document))["grants"]} == {
        "all",
        "or",
        "churn",
        "prod",
        "other",
    }


async def test_granting_twice_should_give_one_grant_with_the_newer_role(guarded: Nexus) -> None:
    document = (
        'mutation ($role: Role!) { grant(subject: "ann", role: $role) { grant { id role path } problems { code } } }'
    )
    first = await guarded.mutate(document, {"role": "VIEWER"})
    second = await guarded.mutate(document, {"role": "ADMIN"})
    assert first["grant"]["id"] == second["grant"]["id"]
    assert second["grant"]["role"] == "ADMIN"
    gone = await guarded.mutate(document, {"role": "NONE"})
    assert gone["grant"] == {"id": first["grant"]["id"], "role": "NONE", "path": None}
    assert (await guarded.execute("{ grants { id } }"))["grants"] == []
