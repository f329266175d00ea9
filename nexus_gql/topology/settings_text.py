"""The settings that a text holds: of a file line by line or as JSON, of a command word by word."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct


class Setting(Struct, frozen=True, gc=False):
    """A name and its value, and the settings beside it. Without a name: a text in which an address may stand."""

    name: str
    value: str
    beside: Mapping[str, str] = {}


_KEYED = re.compile(r"(\s*)(?:-\s+)?(?:export\s+)?[\"']?([A-Za-z_][\w.\-/]*)[\"']?\s*(?::(?=\s|$)|=(?!=))\s*(.*)\Z")
_ITEM = re.compile(r"(\s*)-\s+(.*)\Z")
_DIRECTIVE = re.compile(r"\s*([a-z_]+)\s+(\S+);\Z")
_SECTION = re.compile(r"\s*\[+([\w.\-\" ]+)\]+\s*\Z")
_COMMENT = re.compile(r"\s*(?:#|//|;|--(?:\s|$))")
_BLOCK_COMMENTS = (("<!--", "-->"), ("/*", "*/"))
_TRAILING = re.compile(r"\s#\s?.*\Z")


def of_file(text: str) -> Iterator[Setting]:
    """The settings in a file of any of the usual forms: properties, YAML, INI, TOML, JSON, a server's own. Comments are none."""
    if text.lstrip()[:1] in {"{", "["} and (whole := _decoded(text)) is not None:
        yield from _of_json("", whole)
        return
    yield from _of_lines(_without_block_comments(text).splitlines())


def of_command(arguments: Sequence[str]) -> Iterator[Setting]:
    """The settings in a command's words: `--name=value`, `--name value`; a script's words as of a file; others without a name."""
    beside: dict[str, str] = {}
    flag = ""
    for word in arguments:
        name, equals, value = word.partition("=")
        if "\n" in word or " " in word:
            yield from of_file(word)
        elif word.startswith("-") and equals:
            beside[name] = value
        elif flag and not word.startswith("-"):
            beside[flag] = word
        elif equals and re.fullmatch(r"[A-Za-z_][\w.]*", name):
            beside[name] = value
        elif not word.startswith("-"):
            yield Setting("", word)
        flag = word if word.startswith("-") and not equals else ""
    for name, value in beside.items():
        yield Setting(name, value, beside)


def _without_block_comments(text: str) -> str:
    """The text without them. Not by a regular expression: one goes through the rest anew from each opening that has no end."""
    for opening, closing in _BLOCK_COMMENTS:
        kept, at = [], 0
        while (start := text.find(opening, at)) >= 0 and (end := text.find(closing, start + len(opening))) >= 0:
            kept.append(text[at:start])
            at = end + len(closing)
        text = " ".join([*kept, text[at:]])
    return text


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


_DEPTH = 40
"""How deep JSON is read: no file of settings is deeper, and Python's stack is not endless."""


def _of_json(name: str, value: Any, depth: int = 0) -> Iterator[Setting]:
    if depth > _DEPTH:
        return
    if isinstance(value, dict):
        inner = {key: f"{name}.{key}" if name else key for key in value}
        beside = {inner[key]: str(item) for key, item in value.items() if isinstance(item, str | int)}
        for key, item in value.items():
            if isinstance(item, str):
                yield Setting(inner[key], item, beside)
            else:
                yield from _of_json(inner[key], item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield Setting(name, item)
            else:
                yield from _of_json(name, item, depth + 1)


def _of_lines(lines: Sequence[str]) -> Iterator[Setting]:
    """Each line's setting; its name begins with those of what it is indented under, and of its section."""
    section, above = "", [(-1, "", dict[str, str]())]
    for raw in lines:
        line = _TRAILING.sub("", raw.rstrip())
        if not line.strip() or _COMMENT.match(line):
            continue
        if (match := _SECTION.match(line)) is not None:
            section, above = match[1], [(-1, match[1], {})]
        elif (match := _KEYED.match(line)) is not None:
            yield from _keyed(line, match, above)
        elif (match := _ITEM.match(line)) is not None:
            yield Setting(above[-1][1] or section, _unquoted(match[2]))
        elif (match := _DIRECTIVE.match(line)) is not None:
            yield Setting(match[1], match[2])
        else:
            yield Setting("", line.strip())


def _keyed(line: str, match: re.Match[str], above: list[tuple[int, str, dict[str, str]]]) -> Iterator[Setting]:
    # A `- ` before the key belongs to the indentation, and begins settings that are beside each other.
    indent = match.start(2)
    while above[-1][0] >= indent:
        above.pop()
    parent, beside = above[-1][1], above[-1][2]
    if line.lstrip().startswith("- "):
        beside = {}
        above[-1] = (above[-1][0], parent, beside)
    name = f"{parent}.{match[2]}" if parent else match[2]
    value = _unquoted(match[3])
    if value:
        beside[name] = value
        yield Setting(name, value, beside)
    else:
        above.append((indent, name, {}))


def _unquoted(text: str) -> str:
    text = text.strip().rstrip(",;").strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    return text.strip().strip("\"'")
