"""export: a dataset version in a format that other tools read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from goldloop.errors import VersionError
from goldloop.versions import Item
from sync.exports import FORMATS
from sync.exports.form import Edition, Format
from sync.exports.whole import whole_file, whole_folder
from views.version_folder import checked_items, interface_of, read_manifest


@dataclass(frozen=True, slots=True)
class Kept:
    """Which items are asked for: those with any of the tags and any of the difficulties (none
    named: all of them), and where `labelled` is true, only those with labels.
    """

    tags: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    labelled: bool = False

    def __contains__(self, item: Item) -> bool:
        return (
            (not self.tags or not set(self.tags).isdisjoint(item.get("tags") or ()))
            and (not self.difficulties or item.get("difficulty") in self.difficulties)
            and (not self.labelled or bool(item["labels"]))
        )

    def as_record(self) -> dict[str, object]:
        """What was asked for, without what was not; empty for all items."""
        asked: dict[str, object] = {
            "tags": list(self.tags),
            "difficulties": list(self.difficulties),
            "labelled": self.labelled,
        }
        return {key: value for key, value in asked.items() if value}


EVERY_ITEM = Kept()


@dataclass(frozen=True, slots=True)
class Exported:
    """How many items were written, and how many were left out by the reason why."""

    items: int
    left_out: Mapping[str, int]


@dataclass
class _Counts:
    """What passed so far."""

    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def export_version(
    root: Path,
    dataset: str,
    version: str,
    form: str,
    target: Path,
    *,
    force: bool = False,
    keep: Kept = EVERY_ITEM,
    on_item: Callable[[], None] = lambda: None,
    licence: str = "",
) -> Exported:
    """Write a checked version to `target`, whole or not at all.

    `licence` is named where the version was committed without one.
    Raises VersionError when the version is not as it was committed, when no item is left to write,
    and when `target` exists: with `force` a file is replaced, and a folder that an export made.
    """
    made, counts = FORMATS[form], _Counts()
    manifest = {"license": licence} | read_manifest(root, dataset, version)
    asked = _asked(checked_items(root, dataset, version), keep, on_item)
    edition = Edition(
        manifest,
        _fitting(made, asked, counts),
        interface_of(root, dataset, version),
        keep.as_record(),
    )
    mark = {"format": form, **edition.origin}
    place = (
        whole_folder(target, mark, force=force) if made.folder else whole_file(target, force=force)
    )
    with place as path:
        made.write(edition, path)
        if not counts.written:
            raise VersionError(_nothing(edition.name, form, counts.left_out))
    return Exported(counts.written, counts.left_out)


def _asked(items: Iterable[Item], keep: Kept, on_item: Callable[[], None]) -> Iterator[Item]:
    for item in items:
        on_item()
        if item in keep:
            yield item


def _fitting(made: Format, items: Iterable[Item], counts: _Counts) -> Iterator[Item]:
    """The items that the format can hold; all are counted as they pass."""
    for item in items:
        reason = made.refuses(item)
        if reason is None:
            counts.written += 1
            yield item
        else:
            counts.left_out[reason] += 1


def _nothing(name: str, form: str, left_out: Mapping[str, int]) -> str:
    if not left_out:
        return f"no item of {name} is as --tag, --difficulty and --only-labelled ask"
    why = "; ".join(f"{count} because {reason}" for reason, count in left_out.items())
    return f"no item of {name} can be in the format {form}: {why}; export it as jsonl"
