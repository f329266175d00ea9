import pytest

from nexus_gql.sandbox.store import Object
from tests.unit.sandbox.server import Server, config_map

PATH = "/api/v1/namespaces/x/configmaps"


def filled(count: int = 7) -> Server:
    server = Server()
    for number in range(count):
        labels = {"even": str(number % 2 == 0).lower()}
        server.store.create("ConfigMap", "x", {"metadata": {"name": f"c{number}", "labels": labels}})
    return server


def names(answer: Object) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


async def test_a_list_should_say_its_kind_once_and_its_items_not() -> None:
    server = filled(1)
    _, answer = await server.ask("GET", PATH)

    assert (answer["kind"], answer["apiVersion"]) == ("ConfigMapList", "v1")
    assert answer["metadata"] == {"resourceVersion": str(server.store.version)}
    assert "kind" not in answer["items"][0]
    assert answer["items"][0]["metadata"]["name"] == "c0"


async def test_pages_should_together_be_the_list_as_it_was_at_the_first() -> None:
    server = filled()
    _, answer = await server.ask("GET", f"{PATH}?limit=3")
    assert answer["metadata"]["remainingItemCount"] == 4
    seen, first = names(answer), answer["metadata"]["resourceVersion"]
    server.store.delete("ConfigMap", "x", "c3")
    server.store.create("ConfigMap", "x", config_map("c4a"))
    while token := answer["metadata"].get("continue"):
        _, answer = await server.ask("GET", f"{PATH}?limit=3&continue={token}")
        assert answer["metadata"]["resourceVersion"] == first
        seen += names(answer)

    assert seen == [f"c{number}" for number in range(7)]


async def test_a_page_of_a_list_that_is_forgotten_should_be_gone() -> None:
    server = filled()
    _, answer = await server.ask("GET", f"{PATH}?limit=3")
    server.store.create("ConfigMap", "x", config_map("later"))
    server.store.compact()
    code, answer = await server.ask("GET", f"{PATH}?limit=3&continue={answer['metadata']['continue']}")

    assert (code, answer["reason"]) == (410, "Expired")


async def test_selectors_should_select_before_pages_are_made() -> None:
    server = filled()
    _, answer = await server.ask("GET", f"{PATH}?labelSelector=even%3Dtrue&limit=3")

    assert names(answer) == ["c0", "c2", "c4"]
    assert "remainingItemCount" not in answer["metadata"]
    _, answer = await server.ask("GET", f"{PATH}?fieldSelector=metadata.name%3Dc5")
    assert names(answer) == ["c5"]


async def test_a_list_of_all_namespaces_should_be_in_order() -> None:
    server = filled(2)
    server.store.create("Namespace", None, {"metadata": {"name": "a"}})
    server.store.create("ConfigMap", "a", config_map("z"))
    _, answer = await server.ask("GET", "/api/v1/configmaps")

    assert names(answer) == ["z", "c0", "c1"]


@pytest.mark.parametrize(
    ("query", "back", "found"),
    [
        ("", 0, ["c0", "c1"]),
        ("resourceVersion=0", 0, ["c0", "c1"]),
        ("resourceVersion={}", 1, ["c0", "c1"]),
        ("resourceVersion={}&resourceVersionMatch=NotOlderThan", 1, ["c0", "c1"]),
        ("resourceVersion={}&resourceVersionMatch=Exact", 1, ["c0"]),
    ],
)
async def test_a_version_should_be_a_floor_unless_it_is_exact(query: str, back: int, found: list[str]) -> None:
    server = filled(2)
    _, answer = await server.ask("GET", f"{PATH}?{query.format(server.store.version - back)}")

    assert names(answer) == found


async def test_a_version_that_is_yet_to_come_should_be_refused() -> None:
    server = filled(1)
    code, answer = await server.ask("GET", f"{PATH}?resourceVersion=99999")

    assert (code, answer["details"]["causes"][0]["reason"]) == (504, "ResourceVersionTooLarge")


async def test_deleting_a_collection_should_delete_what_is_selected() -> None:
    server = filled(4)
    code, answer = await server.ask("DELETE", f"{PATH}?labelSelector=even%3Dtrue")

    assert (code, names(answer)) == (200, ["c0", "c2"])
    assert sorted(obj["metadata"]["name"] for obj in server.store.all("ConfigMap", "x")) == ["c1", "c3"]
