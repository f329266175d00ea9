"""API tokens, in a real database."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from nexus_gql import clock
from nexus_gql.access import (
    EVERYTHING,
    LOCAL_VIEWER,
    OPERATOR_VIEWER,
    ApiToken,
    Role,
    Viewer,
    authenticate,
    create_token,
    cut_short,
    grant,
    revoke_token,
    tokens,
)
from nexus_gql.access.scope import scope
from nexus_gql.paths import Path
from nexus_gql.problems import ProblemCode, Refused, Unauthenticated

pytestmark = pytest.mark.usefixtures("database")

OR = Path("or")
ANN = Viewer("ann", "test", scope([(OR, Role.ADMIN)]))


async def made(viewer: Viewer = OPERATOR_VIEWER, **given: Any) -> tuple[ApiToken, str]:
    return await create_token(viewer, **{"name": "ci", "role": Role.ADMIN, "path": None, "expires_in": None, **given})


async def bearer(secret: str) -> Viewer:
    return await authenticate("tokens", f"Bearer {secret}")


async def test_a_token_should_act_as_who_made_it() -> None:
    await grant("ann", Role.ADMIN, OR)
    token, secret = await made(ANN, path=OR, role=Role.DEPLOYER)
    viewer = await bearer(secret)
    assert (viewer.name, viewer.via, viewer.expires_at) == ("ann", "token ci", None)
    assert viewer.scope == scope([(OR, Role.DEPLOYER)])
    assert token.created_by == "ann"


async def test_the_operators_token_should_have_everything() -> None:
    _, secret = await made()
    assert (await bearer(secret)).scope == EVERYTHING


async def test_a_token_should_have_no_more_than_its_maker_has_now() -> None:
    await grant("ann", Role.ADMIN, OR)
    _, secret = await made(ANN, path=OR)
    await grant("ann", Role.VIEWER, OR)
    assert (await bearer(secret)).scope == scope([(OR, Role.VIEWER)])
    await grant("ann", Role.NONE, OR)
    assert (await bearer(secret)).scope == scope([])


async def test_a_tokens_secret_should_be_kept_nowhere() -> None:
    token, secret = await made()
    row = await ApiToken.all().values()
    assert secret not in repr(row)
    assert secret.removeprefix("nxs_") not in repr(row)
    assert secret not in repr(token)
    assert (await made())[1] != secret


@pytest.mark.parametrize(
    ("given", "code", "where"),
    [
        ({"name": ""}, ProblemCode.INVALID, "name"),
        ({"name": "x" * 256}, ProblemCode.INVALID, "name"),
        ({"name": "a\0b"}, ProblemCode.INVALID, "name"),
        ({"name": "\ud800"}, ProblemCode.INVALID, "name"),
        ({"role": Role.NONE}, ProblemCode.INVALID, "role"),
        ({"path": None}, ProblemCode.FORBIDDEN, "role"),
        ({"path": Path("other")}, ProblemCode.FORBIDDEN, "role"),
        ({"expires_in": 0.0}, ProblemCode.INVALID, "expiresIn"),
        ({"expires_in": -1.0}, ProblemCode.INVALID, "expiresIn"),
        ({"expires_in": 1e12}, ProblemCode.INVALID, "expiresIn"),
        ({"expires_in": float("inf")}, ProblemCode.INVALID, "expiresIn"),
    ],
)
async def test_a_token_that_cannot_be_should_be_refused(given: dict[str, Any], code: ProblemCode, where: str) -> None:
    with pytest.raises(Refused) as refused:
        await made(ANN, **{"path": OR, **given})
    assert [(problem.code, problem.path) for problem in refused.value.problems] == [(code, (where,))]
    assert await ApiToken.all().count() == 0


async def test_a_token_should_end_when_it_says() -> None:
    token, secret = await made(expires_in=60)
    viewer = await bearer(secret)
    assert viewer.expires_at == token.expires_at
    assert token.expires_at is not None
    assert token.expires_at - token.created_at == timedelta(seconds=60)
    await ApiToken.filter(id=token.id).update(expires_at=clock.now() - timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="ended at"):
        await bearer(secret)


async def test_a_revoked_token_should_end_at_once() -> None:
    token, secret = await made()
    await revoke_token(OPERATOR_VIEWER, token.id)
    with pytest.raises(Unauthenticated, match="not known"):
        await bearer(secret)


async def test_somebody_elses_token_should_be_revoked_by_who_administers_everything_only() -> None:
    await grant("ann", Role.ADMIN, OR)
    token, secret = await made()
    with pytest.raises(Refused) as refused:
        await revoke_token(ANN, token.id)
    assert refused.value.problems[0].code is ProblemCode.NOT_FOUND
    await bearer(secret)
    mine, _ = await made(ANN, path=OR)
    await revoke_token(OPERATOR_VIEWER, mine.id)
    assert [row.id for row in await tokens(OPERATOR_VIEWER)] == [token.id]


async def test_a_token_that_is_not_there_should_not_be_revoked() -> None:
    with pytest.raises(Refused):
        await revoke_token(OPERATOR_VIEWER, uuid4())


async def test_tokens_should_be_listed_to_their_maker_newest_first() -> None:
    await made()
    mine = [(await made(ANN, path=OR, name=f"t{number}"))[0].id for number in range(3)]
    assert [token.id for token in await tokens(ANN)] == mine[::-1]
    assert len(await tokens(OPERATOR_VIEWER)) == 4


async def listed(viewer: Viewer) -> list[str]:
    return [token.name for token in await tokens(viewer)]


BELOW = Path("or/local")


@pytest.mark.parametrize(
    ("role", "path", "sees"),
    [
        pytest.param(Role.VIEWER, BELOW, {"own", "view local"}, id="the least"),
        pytest.param(Role.VIEWER, OR, {"own", "view local", "view or"}, id="a lower role"),
        pytest.param(Role.ADMIN, BELOW, {"own", "view local", "change local"}, id="a part"),
        pytest.param(
            Role.DEPLOYER, OR, {"own", "view local", "view or", "change local"}, id="all but what administers"
        ),
        pytest.param(
            Role.ADMIN, None, {"own", "view local", "view or", "change local", "all or", "all"}, id="the most"
        ),
    ],
)
async def test_a_token_should_see_itself_and_those_that_have_no_more_than_it_has(
    role: Role, path: Path | None, sees: set[str]
) -> None:
    """A VIEWER token of one namespace once listed, and could revoke, the ADMIN token of the person it acts as."""
    await grant("ann", Role.ADMIN, OR)
    person = Viewer("ann", "test", EVERYTHING)
    await made(person, name="view local", role=Role.VIEWER, path=BELOW)
    await made(person, name="view or", role=Role.VIEWER, path=OR)
    await made(person, name="change local", role=Role.DEPLOYER, path=BELOW)
    stronger, secret = await made(person, name="all or", path=OR)
    await made(person, name="all")
    own, own_secret = await made(person, name="own", role=role, path=path)
    viewer = await bearer(own_secret)
    assert set(await listed(viewer)) == sees
    if "all or" not in sees:
        with pytest.raises(Refused) as refused:
            await revoke_token(viewer, stronger.id)
        assert [problem.code for problem in refused.value.problems] == [ProblemCode.NOT_FOUND]
        await bearer(secret)
    await revoke_token(viewer, own.id)
    assert set(await listed(Viewer("ann", "test", scope([(OR, Role.ADMIN)])))) >= {"all or", "all", "view local"}


async def test_who_came_in_without_a_token_should_see_all_of_theirs() -> None:
    await made(Viewer("ann", "test", EVERYTHING), name="all")
    assert await listed(Viewer("ann", "test", scope([(BELOW, Role.VIEWER)]))) == ["all"]


@pytest.mark.parametrize("asked", [None, 7200.0])
async def test_a_token_should_not_outlast_the_one_that_made_it(asked: float | None) -> None:
    """One of an hour once made another without end."""
    short, secret = await made(expires_in=3600)
    viewer = await bearer(secret)
    token, longer = await made(viewer, expires_in=asked)
    assert token.expires_at == short.expires_at
    warning = cut_short(token, asked)
    assert warning is not None
    assert (warning.code, warning.path) == (ProblemCode.LIMIT, ("expiresIn",))
    again, _ = await made(await bearer(longer))
    assert again.expires_at == short.expires_at


async def test_a_token_that_ends_before_its_maker_should_end_as_it_says() -> None:
    _, secret = await made(expires_in=3600)
    viewer = await bearer(secret)
    token, _ = await made(viewer, expires_in=60)
    assert token.expires_at == token.created_at + timedelta(seconds=60)
    assert cut_short(token, 60) is None


async def test_who_came_in_without_a_token_should_make_one_that_outlasts_their_session() -> None:
    viewer = Viewer("ann", "session", EVERYTHING, clock.now() + timedelta(hours=1))
    token, _ = await made(viewer)
    assert (token.expires_at, cut_short(token, None)) == (None, None)


async def test_use_should_be_recorded_to_the_minute() -> None:
    token, secret = await made()
    assert token.last_used_at is None

    async def used() -> Any:
        await bearer(secret)
        return (await ApiToken.get(id=token.id)).last_used_at

    first = await used()
    assert first is not None
    assert await used() == first
    await ApiToken.filter(id=token.id).update(last_used_at=first - timedelta(minutes=2))
    assert await used() >= first


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "nxs_x", "Bearer nxs_unknown", "bearer \ud800"]
)
async def test_what_is_no_token_should_not_come_in(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await authenticate("tokens", header)


async def test_the_scheme_may_be_in_any_case() -> None:
    _, secret = await made()
    assert (await authenticate("tokens", f"bEARER  {secret} ")).name == "operator"


async def test_without_authentication_everybody_should_be_the_local_viewer() -> None:
    assert await authenticate("none", None) is LOCAL_VIEWER
    assert await authenticate("none", "Bearer nonsense") is LOCAL_VIEWER
