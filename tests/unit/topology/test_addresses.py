"""Addresses in any text: nothing is said that must not be, and no text takes for ever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_gql.topology import Address, Certainty, addresses
from nexus_gql.topology.settings_text import Setting, of_command, of_file

PIECES = [
    "http://",
    "://",
    "a.",
    "b-",
    ":80",
    "@",
    "[::1]",
    ",",
    "=",
    " ",
    "\n",
    "#",
    "host",
    "jdbc:",
    "(",
    "{",
    "-",
    "/*",
    "$(",
]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_should_be_read(text: str) -> None:
    found = [*of_file(text), *of_command([text]), Setting("X_HOST", text), Setting("x", text)]

    assert all(one.host for setting in found for one in addresses(setting.name, setting.value, setting.beside))


passwords = st.lists(st.sampled_from(["zq", "zq", "1", *":@!$%&*()/;,.+-_~?#[]="]), min_size=1).map("".join)


@settings(max_examples=1000)
@given(passwords, st.sampled_from(["postgresql", "redis", "amqp", "http"]))
def test_no_address_should_show_a_password(password: str, scheme: str) -> None:
    found = addresses("DB_URL", f"{scheme}://me:{password}@db.data:5432/shop")

    assert "zq" not in " ".join(one.text for one in found)


@settings(max_examples=1000)
@given(passwords)
def test_no_address_should_show_a_query(password: str) -> None:
    found = addresses("DB_URL", f"jdbc:postgresql://db.data:5432/shop?user=me&password={password}")

    assert "zq" not in " ".join(one.text for one in found)


@pytest.mark.parametrize(
    "text", ["<!--" * 20_000, "/*" * 40_000, "jdbc:oracle:thin:" * 5_000, "[" * 80_000, "a." * 40_000]
)
def test_a_text_that_is_made_to_be_slow_should_be_read_to_its_end(text: str) -> None:
    assert [one for setting in of_file(text) for one in addresses(setting.name, setting.value)] == []


def test_block_comments_should_end_where_they_end() -> None:
    text = "a: http://x /* b: http://y */ \nc: http://z <!-- d\n --> \n/* open\ne: http://w"

    assert [setting.value for setting in of_file(text)] == ["http://x", "http://z", "/* open", "http://w"]


@pytest.mark.parametrize(
    ("name", "text", "certainty"),
    [
        ("X", "http://a", Certainty.CERTAIN),
        ("X_ADDR", "a:1", Certainty.CERTAIN),
        ("X_HOST", "a", Certainty.NAMED),
        ("X", "a:1", Certainty.LIKELY),
    ],
)
def test_certainty_should_be_as_the_page_says(name: str, text: str, certainty: Certainty) -> None:
    assert [one.certainty for one in addresses(name, text)] == [certainty]


@pytest.mark.parametrize("name", ["FEATURES_HOST", "features.host", "--features-host", "featuresHost"])
def test_a_name_should_say_the_same_in_every_spelling(name: str) -> None:
    beside = {name.replace("HOST", "PORT").replace("host", "port").replace("Host", "Port"): "80"}

    assert addresses(name, "features", beside) == [Address("features", 80)]
