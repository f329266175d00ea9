from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.sandbox import quantities


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.1", "100m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000m", "1"),
        ("1500M", "1500M"),
        ("128974848", "128974848"),
        ("0", "0"),
        ("0Gi", "0"),
        ("1e3", "1e3"),
        ("0.5Gi", "512Mi"),
        ("0.0001", "1m"),
        ("1.5", "1500m"),
        ("-1", "-1"),
        ("+2", "2"),
        ("12e6", "12e6"),
        ("100k", "100k"),
    ],
)
def test_a_quantity_should_be_written_back_in_its_shortest_form(written: str, read: str) -> None:
    assert quantities.canonical(written) == read


@pytest.mark.parametrize("text", ["", "x", "1x", "1 Gi", "Gi", "1.2.3", "1Ki2", "--1", "1e", "1\n"])
def test_what_is_no_quantity_should_be_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        quantities.parse(text)


@given(
    st.decimals(min_value=0, max_value=10**9, places=3),
    st.sampled_from(["m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e3"]),
)
def test_the_shortest_form_should_mean_the_same_to_a_thousandth(number: Decimal, suffix: str) -> None:
    text = f"{number}{suffix}"
    short = quantities.canonical(text)

    assert 0 <= quantities.parse(short) - quantities.parse(text) < Decimal("0.001")
    assert quantities.canonical(short) == short
