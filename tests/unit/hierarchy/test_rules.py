"""What a text must look like: tables, and that what is accepted can be read."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.hierarchy import read_quantity, rules
from nexus_gql.hierarchy.rules import Rule


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("250m", "0.25"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("512Mi", "536870912"),
        ("1G", "1000000000"),
        ("2E", "2000000000000000000"),
        ("2e3", "2000"),
        ("2E3", "2000"),
        ("1e-3", "0.001"),
        ("-1", "-1"),
        ("+1", "1"),
        ("1n", "1e-9"),
        ("1u", "1e-6"),
    ],
)
def test_an_amount_should_be_read_as_kubernetes_reads_it(text: str, amount: str) -> None:
    assert read_quantity(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "1 m",
        " 1",
        "1\n",
        "1K",
        "1mi",
        "1KiB",
        "one",
        "1.2.3",
        "1e",
        "e3",
        "--1",
        "1_0",
        "\u0663",
        "NaN",
        "Infinity",
        "9" * 65,
    ],
)
def test_what_kubernetes_does_not_read_should_be_no_amount(text: str) -> None:
    assert read_quantity(text) is None


GOOD: dict[str, tuple[Rule, list[str]]] = {
    "repository": (
        rules.repository,
        ["churn", "or/churn", "ghcr.io/or/churn", "localhost:5000/a", "a.b-c/d__e/f--g", "10.0.0.1:5000/x"],
    ),
    "tag": (rules.tag, ["latest", "v1.2.3", "_x", "A-B.c", "x" * 128]),
    "digest": (rules.digest, ["sha256:" + "0" * 64, "sha512:" + "a" * 128]),
    "env": (rules.env_name, ["A", "_a", "a.b-c", "LOG_LEVEL", ".x"]),
    "port": (rules.port_name, ["http", "a", "grpc-web", "8080a", "x" * 15]),
    "port reference": (rules.port_reference, ["http", "1", "65535"]),
    "label": (rules.qualified_name, ["a", "A_b.c", "app.kubernetes.io/name", "x" * 63]),
    "label value": (rules.label_value, ["", "a", "A_b.c-d", "x" * 63]),
    "subdomain": (rules.subdomain, ["a", "a.b", "a-b.c", "x" * 253]),
    "file": (rules.config_key, ["a", "config.yaml", "A_b", ".hidden"]),
    "path": (rules.absolute_path, ["/a", "/etc/app/config.yaml", "/a b", "/.hidden"]),
    "http path": (rules.http_path, ["/", "/healthz?x=1"]),
    "reference": (rules.reference, ["a", "a/b", "a/b/c/d"]),
    "bound": (rules.count_or_percent, ["0", "1", "25%", "100%", "0%"]),
    "seconds": (rules.whole_seconds(1), ["1s", "15s", "1h30m", "1000ms"]),
}
BAD: dict[str, tuple[Rule, list[str]]] = {
    "repository": (rules.repository, ["", "a:1", "A/B", "a//b", "/a", "a/", "https://a/b", "a@b", "x" * 256, "a\n"]),
    "tag": (rules.tag, ["", ".a", "-a", "a b", "a/b", "x" * 129]),
    "digest": (rules.digest, ["", "sha256:", "sha256:" + "0" * 63, "sha256:" + "G" * 64, "md5:" + "0" * 32]),
    "env": (rules.env_name, ["", "1A", "A B", "A=B", ".", "..", "..a", "ä", "x" * 256]),
    "port": (rules.port_name, ["", "8080", "a--b", "-a", "a-", "A", "x" * 16, "a_b"]),
    "port reference": (rules.port_reference, ["", "0", "65536", "-1", "1.5", "\u0663", "\u00b2", "9" * 4000]),
    "label": (
        rules.qualified_name,
        ["", "/", "a/", "/a", "A/b", "a/b/c", "-a", "a-", "x" * 64, "x" * 254 + "/a", "a b"],
    ),
    "own label": (rules.own_qualified_name, [f"{rules.RESERVED}/x", f"a.{rules.RESERVED}/x", "a b"]),
    "label value": (rules.label_value, ["-", "a ", "ä", "x" * 64, "a\n"]),
    "subdomain": (rules.subdomain, ["", "A", "a..b", "-a", "a-", "x" * 254]),
    "file": (rules.config_key, ["", ".", "..", "..a", "a/b", "a b", "x" * 254]),
    "path": (rules.absolute_path, ["", "/", "a", "//a", "/a/", "/a//b", "/a/../b", "/./a", "/a:b"]),
    "http path": (rules.http_path, ["", "healthz", " /"]),
    "reference": (rules.reference, ["", "a/b/c", "A", "a/", "a/b/c/d/e"]),
    "bound": (rules.count_or_percent, ["", "-1", "101%", "%", "1.5", "\u0663", "\u0663%", "2147483648", "9" * 4000]),
    "seconds": (rules.whole_seconds(1), ["", "0s", "0", "500ms", "1.5s", "soon", "9" * 400 + "h", "2147483648s"]),
    "cpu": (rules.cpu_quantity, ["", "-1", "0.1m", "1e999", "1e999999999", "1e-9", "much"]),
    "memory": (rules.memory_quantity, ["", "-1", "100m", "9e30", "1e999", "much"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_kubernetes_takes_should_be_taken(name: str) -> None:
    rule, texts = GOOD[name]
    assert {text: rule(text) for text in texts} == dict.fromkeys(texts)


@pytest.mark.parametrize("name", BAD)
def test_what_kubernetes_refuses_should_be_refused(name: str) -> None:
    rule, texts = BAD[name]
    assert [text for text in texts if rule(text) is None] == []


ALL: list[Callable[[str], str | None]] = [rule for rule, _ in BAD.values()]


@given(st.text(st.characters(exclude_categories=[])) | st.sampled_from(["x" * 2_000_000, "\ud800" * 300, "9" * 4000]))
def test_a_rule_should_answer_in_few_words_whatever_it_is_asked(text: str) -> None:
    for rule in ALL:
        message = rule(text)
        assert message is None or len(message.encode()) < 1000


@given(st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,5})?(m|k|Ki|Mi|Gi|e[0-9]{1,4})?\Z"))
def test_an_accepted_amount_should_be_one_that_can_be_compared(text: str) -> None:
    for rule in (rules.cpu_quantity, rules.memory_quantity):
        if rule(text) is None:
            assert 0 <= (read_quantity(text) or 0) <= 2**63
