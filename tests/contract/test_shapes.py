"""What differs from run to run, and the word for it."""

import pytest

from .shapes import scrubbed


@pytest.mark.parametrize("minute", ["29925450", "29925442", "29999999", "30000000"])
def test_a_minute_should_be_known_whatever_its_digits_are(minute: str) -> None:
    assert scrubbed(f"nightly-{minute}", {}) == "nightly-MINUTE"
    assert scrubbed(f"nightly-{minute}-x7k2p", {}) == "nightly-MINUTE-HASH"


@pytest.mark.parametrize("name", ["web-5d9f8c7b6d-x7k2p", "web-568df-x7k2p", "web-7b5d9f8c4", "web-x7k2p"])
def test_a_hash_should_be_a_hash(name: str) -> None:
    assert scrubbed(name, {}) == "web-HASH"


@pytest.mark.parametrize("span", ["10s", "1m20s", "5m0s", "1h0m0s", "1.5s", "2m33.6s", "713ms", "659.329µs"])
def test_a_span_should_be_known_however_long_it_is(span: str) -> None:
    assert scrubbed(f"back-off {span} restarting", {}) == "back-off SPAN restarting"
