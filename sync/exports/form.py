"""A format: what it is called, how its file is named, what it takes and how it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from goldloop.versions import Item
from label_config.interface import Interface, read_interface
from sync.exports.case import anything, origin

# Line ends to some readers of text, though not to JSON; as escapes they are the same string.
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True)
class Edition:
    """What is exported: the manifest of a checked version, its items, and where it came from.

    `items` is read once, in order of `sample_id`. `kept` says which items were asked for, and is
    empty for all of them. `interface_xml` is the labelling interface that the labels answer.
    """

    manifest: Mapping[str, Any]
    items: Iterator[Item]
    interface_xml: str
    kept: Mapping[str, Any]

    @property
    def origin(self) -> dict[str, Any]:
        """The version's name and fingerprints, and which of its items were asked for."""
        return {**origin(self.manifest), **({"kept": dict(self.kept)} if self.kept else {})}

    @property
    def name(self) -> str:
        """The version as NAME@VERSION."""
        return f"{self.manifest['dataset']}@{self.manifest['version']}"

    @cached_property
    def interface(self) -> Interface:
        """The labelling interface; raises InterfaceError when it is none that can be read."""
        return read_interface(self.interface_xml, f"the labelling interface of {self.name}")


@dataclass(frozen=True, slots=True)
class Format:
    """A format that a version can be exported in.

    `summary` is its line in the help. `ending` follows NAME-VERSION in the default name. `write`
    writes to a path: a new file, or an empty folder where `folder` is true. `refuses` says why an
    item cannot be in it, or None; such items are left out and counted.
    """

    summary: str
    ending: str
    write: Callable[[Edition, Path], object]
    folder: bool = False
    refuses: Callable[[Item], str | None] = anything


def json_line(record: object) -> str:
    """A record on one line, whatever a reader takes for a line's end."""
    return json.dumps(record, ensure_ascii=False).translate(_LINE_ENDS)


def write_lines(target: Path, records: Iterable[object]) -> None:
    """JSON Lines in UTF-8."""
    with target.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(json_line(record) + "\n" for record in records)


def write_json(target: Path, value: object) -> None:
    """One JSON value, indented for people."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    target.write_text(text + "\n", encoding="utf-8", newline="\n")
