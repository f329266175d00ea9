"""The table of mutations, and what is said to whom."""

from pathlib import Path as File

import pytest
from graphql import ObjectTypeDefinitionNode, parse

from nexus_gql.access import (
    LOCAL_VIEWER,
    MUTATIONS,
    OPERATOR_VIEWER,
    Role,
    Viewer,
    not_found,
    require,
    require_role,
    require_sight,
)
from nexus_gql.access.roles import At
from nexus_gql.access.scope import scope
from nexus_gql.paths import Path
from nexus_gql.problems import NotFound, ProblemCode, Refused

CONTRACT = File(__file__).parents[1] / "schema" / "api.graphql"

LATER = {
    "adopt",
    "approveOperation",
    "ensureRunning",
    "imagePublished",
    "loadImage",
    "promote",
    "registerRegistry",
    "removeRegistry",
    "rollback",
    "updateRegistry",
}
"""Mutations whose rooms are not built yet. Whoever builds one takes it out of here, and into the table."""


def viewer(*grants: tuple[str | None, Role]) -> Viewer:
    return Viewer("ann", "test", scope((None if path is None else Path(path), role) for path, role in grants))


def refusal(who: Viewer, mutation: str, path: str | None) -> tuple[ProblemCode, tuple[str, ...]] | None:
    try:
        require(who, mutation, None if path is None else Path(path), "path")
    except Refused as refused:
        (problem,) = refused.problems
        return problem.code, problem.path
    return None


def test_every_mutation_of_the_contract_should_be_in_the_table_or_be_built_later() -> None:
    definitions = {
        definition.name.value: definition
        for definition in parse(CONTRACT.read_text()).definitions
        if isinstance(definition, ObjectTypeDefinitionNode)
    }
    mutations = {field.name.value for field in definitions["Mutation"].fields or ()}
    assert MUTATIONS.keys() | LATER == mutations
    assert MUTATIONS.keys() & LATER == set()


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_should_need_exactly_its_role_at_its_place(mutation: str) -> None:
    need = MUTATIONS[mutation]
    place = {At.PATH: "or/local", At.PARENT: "or", At.EVERYWHERE: None}[need.at]
    less = Role(need.role - 1)
    assert need.role > Role.NONE
    assert refusal(viewer((place, need.role)), mutation, "or/local") is None
    assert refusal(viewer((place, less), ("or/local", Role.VIEWER)), mutation, "or/local") in (
        {(ProblemCode.FORBIDDEN, ("path",))} if need.role > Role.VIEWER or need.at is not At.PATH else {None}
    )
    assert refusal(viewer(), mutation, "or/local") == (ProblemCode.NOT_FOUND, ("path",))


@pytest.mark.parametrize("who", [LOCAL_VIEWER, OPERATOR_VIEWER])
@pytest.mark.parametrize("mutation", MUTATIONS)
def test_whoever_has_the_machine_should_be_let_do_everything(who: Viewer, mutation: str) -> None:
    assert refusal(who, mutation, "or/local/models") is None
    assert refusal(who, mutation, None) is None


def test_what_cannot_be_seen_should_be_said_not_to_be_there_in_the_same_words() -> None:
    with pytest.raises(Refused) as refused:
        require(viewer(("or/local", Role.ADMIN)), "configure", Path("or/other"), "path")
    assert list(refused.value.problems) == [not_found(Path("or/other"), "path")]


def test_what_is_only_glimpsed_should_be_forbidden() -> None:
    assert refusal(viewer(("or/local/models", Role.ADMIN)), "configure", "or") == (ProblemCode.FORBIDDEN, ("path",))


def test_a_project_should_be_deleted_only_by_who_has_the_role_everywhere() -> None:
    assert refusal(viewer(("or", Role.ADMIN)), "deleteLevel", "or") == (ProblemCode.FORBIDDEN, ("path",))
    assert refusal(viewer((None, Role.ADMIN)), "deleteLevel", "or") is None


def test_a_refusal_should_say_what_is_needed_what_is_there_and_what_to_do() -> None:
    with pytest.raises(Refused) as refused:
        require_role(viewer(("or", Role.VIEWER)), Role.DEPLOYER, Path("or"), "path")
    (problem,) = refused.value.problems
    assert "DEPLOYER at or" in problem.message
    assert "VIEWER" in problem.message
    assert problem.remedy


def test_a_query_should_see_what_the_scope_opens_and_nothing_else() -> None:
    ann = viewer(("or/local", Role.VIEWER))
    require_sight(ann, Path("or/local/models"))
    for path in ("or", "or/other", "nowhere"):
        with pytest.raises(NotFound):
            require_sight(ann, Path(path))
