"""Secrets at rest: bound to key and place."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_gql.vault import Vault, VaultError, key_from_file, read_key

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
# What a patch lets in: half a surrogate pair is refused long before.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, st.tuples(TEXTS, TEXTS))
def test_a_secret_should_open_in_its_place(text: str, place: tuple[str, str]) -> None:
    vault = Vault(KEY)
    assert vault.decrypt(vault.encrypt(text, row=place[0], column=place[1]), row=place[0], column=place[1]) == text


@given(st.tuples(TEXTS, TEXTS), st.tuples(TEXTS, TEXTS))
def test_a_ciphertext_that_was_moved_should_not_open(here: tuple[str, str], there: tuple[str, str]) -> None:
    vault = Vault(KEY)
    ciphertext = vault.encrypt("hunter2", row=here[0], column=here[1])
    if here == there:
        assert vault.decrypt(ciphertext, row=there[0], column=there[1]) == "hunter2"
    else:
        with pytest.raises(VaultError):
            vault.decrypt(ciphertext, row=there[0], column=there[1])


def test_places_that_are_spelled_alike_should_not_be_the_same() -> None:
    vault = Vault(KEY)
    with pytest.raises(VaultError):
        vault.decrypt(vault.encrypt("hunter2", row="a", column="b/c"), row="a/b", column="c")


def test_another_key_should_not_open_it() -> None:
    ciphertext = Vault(KEY).encrypt("hunter2", row=1, column="c")
    with pytest.raises(VaultError, match="key"):
        Vault(OTHER_KEY).decrypt(ciphertext, row=1, column="c")


@pytest.mark.parametrize("length", [0, 5, 12, 20, 34])
def test_a_ciphertext_that_was_cut_should_not_open(length: int) -> None:
    ciphertext = Vault(KEY).encrypt("hunter2", row=1, column="c")
    with pytest.raises(VaultError):
        Vault(KEY).decrypt(ciphertext[:length], row=1, column="c")


def test_equal_secrets_should_look_different() -> None:
    vault = Vault(KEY)
    assert vault.encrypt("hunter2", row=1, column="c") != vault.encrypt("hunter2", row=1, column="c")


@given(TEXTS, TEXTS)
def test_a_fingerprint_should_tell_texts_apart_and_nothing_else(one: str, other: str) -> None:
    vault = Vault(KEY)
    assert (vault.fingerprint(one) == vault.fingerprint(other)) == (one == other)


def test_a_fingerprint_should_depend_on_the_key() -> None:
    assert Vault(KEY).fingerprint("hunter2") != Vault(OTHER_KEY).fingerprint("hunter2")


@pytest.mark.parametrize("key", [b"", b"k" * 31, b"k" * 33])
def test_a_key_of_another_length_should_be_refused(key: bytes) -> None:
    with pytest.raises(VaultError, match="32 bytes"):
        Vault(key)


@pytest.mark.parametrize("encoded", ["not base64!", "ä", "a"])
def test_what_is_no_base64_should_be_refused_without_showing_it(encoded: str) -> None:
    with pytest.raises(VaultError) as refusal:
        read_key(encoded)
    assert encoded not in str(refusal.value).replace("base64", "").split()


def test_a_key_file_should_be_made_once_and_be_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "vault.key"
    before = os.umask(0)
    try:
        key = key_from_file(path)
    finally:
        os.umask(before)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_from_file(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["vault.key"]


def test_an_existing_key_file_should_be_read_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    path.write_text("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=\n")
    assert key_from_file(path) == KEY
    assert path.read_text().endswith("=\n")


def test_those_that_start_at_once_should_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starters:
        for attempt in range(20):
            together = Barrier(8)

            def start(path: Path, together: Barrier = together) -> bytes:
                together.wait(60)
                return key_from_file(path)

            assert len(set(starters.map(start, [tmp_path / str(attempt)] * 8))) == 1
