"""Copying an environment, in a real database."""

from typing import Any
from uuid import UUID

import pytest

from nexus_gql.hierarchy import (
    SETTINGS,
    Application,
    Catalogue,
    Cloned,
    Concern,
    Environment,
    Namespace,
    Stage,
    clone,
    references,
)
from nexus_gql.hierarchy.cloning import relocated
from nexus_gql.hierarchy.models import Level
from nexus_gql.paths import Path
from nexus_gql.problems import ProblemCode, Refused
from nexus_gql.vault import Secret
from tests.conftest import Counting

from .conftest import House, cluster, everything_stored

SOURCE = Path("or/local")


async def cloned(house: House, name: str = "copy", cluster_id: str | None = None, source: str = SOURCE) -> Cloned:
    return await clone(house.hierarchy, house.viewer, Path(source), name, cluster_id)


async def refused(house: House, **given: Any) -> list[tuple[ProblemCode, tuple[str, ...]]]:
    """What a copy is refused with; and nothing is stored."""
    before = await everything_stored()
    with pytest.raises(Refused) as refusal:
        await cloned(house, **given)
    assert await everything_stored() == before
    return [(problem.code, problem.path) for problem in refusal.value.problems]


def secret(name: str, text: str = "hunter2") -> dict[str, Any]:
    return {"name": name, "value": {"secret": text}}


def service(name: str, ref: str) -> dict[str, Any]:
    return {"name": name, "value": {"service": {"ref": ref, "port": "http"}}}


def below(catalogue: Catalogue, path: str) -> list[str]:
    return [level.path.removeprefix(path) for level in catalogue.below(Path(path))]


# ── what is copied ──


async def test_a_copy_should_have_every_level_with_what_it_is_and_what_it_sets(house: House) -> None:
    await house.namespace("ddk", concern=Concern.DDK, display_name="Data")
    await house.application("features", "or/local/ddk", description="All of them", settings={"replicas": 3})
    await house.configure(SOURCE, {"env": [{"name": "A", "value": {"text": "${environment}"}}], "remove": ["env.B"]})
    done = await cloned(house)
    catalogue = await house.hierarchy.current()
    assert below(catalogue, "or/copy") == below(catalogue, SOURCE)
    assert done.environment == catalogue.levels[Path("or/copy")]
    assert (done.environment.stage, done.environment.display_name) == (Stage.LOCAL, "copy")
    namespace, features = (catalogue.levels[Path(f"or/copy/{path}")] for path in ("ddk", "ddk/features"))
    assert isinstance(namespace, Namespace)
    assert (namespace.concern, namespace.display_name) == (Concern.DDK, "Data")
    assert (features.description, features.document, features.version) == ("All of them", {"replicas": 3}, 1)
    assert done.environment.document == {"env.A": {"text": "${environment}"}, "env.B": None}
    assert catalogue.effective(features.path).document["env.A"] == {"text": "copy"}


async def test_a_copy_should_be_its_own(house: House) -> None:
    await cloned(house)
    await house.configure("or/copy/models/churn", {"replicas": 4})
    catalogue = await house.hierarchy.current()
    assert catalogue.levels[Path("or/local/models/churn")].document == {}
    ids = [level.id for level in catalogue.levels.values()]
    assert len(ids) == len(set(ids)) == len(catalogue.levels)


async def test_what_runs_of_the_source_should_not_run_of_the_copy(house: House) -> None:
    await Level.filter(path="or/local/models/churn").update(deployed=True, revision=3, operation_number=7)
    await cloned(house)
    catalogue = await house.hierarchy.current()
    copy = catalogue.get(Application, Path("or/copy/models/churn"))
    assert copy is not None
    assert (copy.deployed, copy.revision, copy.operation_number, copy.restarted_at) == (False, None, 0, None)


async def test_what_begins_like_the_source_should_not_be_copied(house: House) -> None:
    await house.environment("local2")
    await house.namespace("other", "or/local2")
    await cloned(house)
    catalogue = await house.hierarchy.current()
    assert below(catalogue, "or/copy") == ["", "/models", "/models/churn", "/models/fraud"]


# ── where it is ──


async def test_a_copy_should_be_on_its_cluster_under_names_of_its_own(empty_house: House) -> None:
    dev, prod = await cluster("dev"), await cluster("prod")
    await empty_house.project()
    await empty_house.environment(cluster_id=dev)
    await empty_house.namespace(kubernetes_name="someone-elses")
    await cloned(empty_house, "same", dev)
    await cloned(empty_house, "other", prod)
    await cloned(empty_house, "nowhere")
    catalogue = await empty_house.hierarchy.current()
    found = {level.path: level.kubernetes_name for level in catalogue.below(None) if isinstance(level, Namespace)}
    assert found == {
        "or/local/models": "someone-elses",
        "or/same/models": "or-same-models",
        "or/other/models": "or-other-models",
        "or/nowhere/models": "or-nowhere-models",
    }
    clusters = {level.path: level.cluster_id for level in catalogue.below(None) if isinstance(level, Environment)}
    assert clusters == {"or/local": dev, "or/same": dev, "or/other": prod, "or/nowhere": None}
    rows = {row.path: row.cluster_id for row in await Level.filter(path__endswith="models")}  # type: ignore[attr-defined]
    assert rows["or/other/models"] == UUID(prod)


async def test_a_kubernetes_name_that_is_taken_on_the_cluster_should_be_refused_at_the_name(empty_house: House) -> None:
    dev = await cluster("dev")
    await empty_house.project()
    await empty_house.environment("a", cluster_id=dev)
    await empty_house.namespace("b-c", "or/a")
    await empty_house.environment("source", cluster_id=dev)
    await empty_house.namespace("c", "or/source")
    given = {"source": "or/source", "name": "a-b"}
    assert await refused(empty_house, **given, cluster_id=dev) == [(ProblemCode.ALREADY_EXISTS, ("name",))]
    await cloned(empty_house, "a-b", await cluster("prod"), "or/source")


# ── secrets ──


async def test_secrets_should_be_left_out_and_told_by_path_and_key(house: House) -> None:
    await house.configure("or", {"env": [secret("ABOVE")]})
    await house.configure(SOURCE, {"env": [secret("TOKEN"), {"name": "A", "value": {"text": "a"}}]})
    await house.configure("or/local/models/churn", {"env": [secret("B"), secret("API_KEY")]})
    done = await cloned(house)
    assert done.missing == [
        ("or/copy", "env.TOKEN"),
        ("or/copy/models/churn", "env.API_KEY"),
        ("or/copy/models/churn", "env.B"),
    ]
    assert done.environment.document == {"env.A": {"text": "a"}}
    assert await Secret.all().count() == 4
    effective = (await house.hierarchy.current()).effective(Path("or/copy/models/churn")).document
    assert [key for key in effective if key.startswith("env.")] == ["env.ABOVE", "env.A"]


# ── references ──

FEATURES = "or/local/ddk/features"


@pytest.mark.parametrize(
    ("document", "copy"),
    [
        ({"env.U": {"service": {"ref": FEATURES}}}, {"env.U": {"service": {"ref": "ddk/features"}}}),
        (
            {"env.U": {"service": {"ref": FEATURES, "port": "http"}}},
            {"env.U": {"service": {"ref": "ddk/features", "port": "http"}}},
        ),
        (
            {"env.U": {"service": {"ref": "${project}/local/ddk/features"}}},
            {"env.U": {"service": {"ref": "ddk/features"}}},
        ),
        (
            {"env.U": {"service": {"ref": "or/local/${namespace}/x"}}},
            {"env.U": {"service": {"ref": "${namespace}/x"}}},
        ),
        *(
            ({"env.U": {"service": {"ref": ref}}}, {"env.U": {"service": {"ref": ref}}})
            for ref in ("ddk/features", "features", "or/prod/ddk/features", "other/local/ddk/features")
        ),
        ({"env.U": {"text": FEATURES}}, {"env.U": {"text": FEATURES}}),
        ({"env.U": None, "env": None}, {"env.U": None, "env": None}),
        ({f"dependsOn.{FEATURES}": {"need": "REQUIRED"}}, {"dependsOn.ddk/features": {"need": "REQUIRED"}}),
        ({"dependsOn.or/prod/ddk/x": {"need": "OPTIONAL"}}, {"dependsOn.or/prod/ddk/x": {"need": "OPTIONAL"}}),
        ({f"dependsOn.{FEATURES}": None, "dependsOn": None}, {"dependsOn.ddk/features": None, "dependsOn": None}),
        (
            {f"dependsOn.{FEATURES}": {"need": "OPTIONAL"}, "dependsOn.ddk/features": {"need": "REQUIRED"}},
            {"dependsOn.ddk/features": {"need": "REQUIRED"}},
        ),
        (
            {"dependsOn.ddk/features": {"need": "IGNORED"}, f"dependsOn.{FEATURES}": {"need": "OPTIONAL"}},
            {"dependsOn.ddk/features": {"need": "OPTIONAL"}},
        ),
        ({"replicas": 2, "labels.or/local": "x"}, {"replicas": 2, "labels.or/local": "x"}),
    ],
)
def test_references_into_the_source_should_lead_into_the_copy(document: dict[str, Any], copy: dict[str, Any]) -> None:
    assert relocated(document, SOURCE, {}) == copy


async def test_a_copy_should_depend_on_itself_where_the_source_did(house: House) -> None:
    await house.namespace("ddk", concern=Concern.DDK)
    await house.application("features", "or/local/ddk")
    await house.environment("prod")
    await house.configure(SOURCE, {"dependsOn": [{"ref": FEATURES, "need": "OPTIONAL"}]})
    await house.configure("or/local/models/churn", {"env": [service("U", FEATURES), service("V", "or/prod/ddk/x")]})
    await cloned(house)
    catalogue = await house.hierarchy.current()
    churn = Path("or/copy/models/churn")
    targets = {key: target for key, _, target in references(catalogue.effective(churn).document, churn)}
    assert targets == {
        "env.U": "or/copy/ddk/features",
        "env.V": "or/prod/ddk/x",
        "dependsOn.ddk/features": "or/copy/ddk/features",
    }


async def test_a_dependency_of_the_project_that_the_source_overrode_should_not_come_back(house: House) -> None:
    await house.configure("or", {"dependsOn": [{"ref": FEATURES, "need": "REQUIRED"}]})
    await house.configure(SOURCE, {"dependsOn": [{"ref": FEATURES, "need": "OPTIONAL"}]})
    await cloned(house)
    effective = (await house.hierarchy.current()).effective(Path("or/copy/models/churn")).document
    assert {key: value for key, value in effective.items() if key.startswith("dependsOn")} == {
        "dependsOn.ddk/features": {"need": "OPTIONAL"}
    }
    assert SETTINGS.key("dependsOn.ddk/features").is_leaf


# ── refusals, and what it costs ──


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": "local"}, (ProblemCode.ALREADY_EXISTS, ("name",))),
        ({"name": "Copy"}, (ProblemCode.INVALID, ("name",))),
        ({"name": ""}, (ProblemCode.INVALID, ("name",))),
        ({"source": "or/no"}, (ProblemCode.NOT_FOUND, ("path",))),
        ({"source": "or"}, (ProblemCode.INVALID, ("path",))),
        ({"source": "or/local/models"}, (ProblemCode.INVALID, ("path",))),
        ({"source": "or/local/models/churn"}, (ProblemCode.INVALID, ("path",))),
    ],
)
async def test_what_cannot_be_copied_should_be_refused_and_store_nothing(
    house: House, given: dict[str, str], problem: tuple[ProblemCode, tuple[str, ...]]
) -> None:
    assert await refused(house, **given) == [problem]


async def test_a_copy_should_be_one_change(house: House) -> None:
    before = (await house.hierarchy.current()).number
    await cloned(house)
    after = await house.hierarchy.current()
    assert after.number == before + 1
    assert {level.change for level in after.below(Path("or/copy"))} == {after.number}


async def test_a_large_copy_should_cost_no_statement_a_level(house: House, counting: Counting) -> None:
    async def cost(name: str) -> int:
        async with counting() as statements:
            await cloned(house, name)
        # SQLite counts each row of what is written at once.
        return len([one for one in statements if not one.startswith("INSERT")])

    await cost("warm")
    few = await cost("few")
    for number in range(40):
        await house.application(f"a{number}")
    assert await cost("many") == few
