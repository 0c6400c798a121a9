"""What a version's folder tells a reader: its card and its changelog, from manifests alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldloop.licences import hub_licence
from sync.markdown import markdown_text

_NAMED = 20  # sample ids that a changelog names for each kind of change
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(manifest: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> str:
    """The dataset card: a head in YAML that Hugging Face reads, then what a reader must know."""
    head = {
        "pretty_name": f"{manifest['dataset']} {manifest['version']}",
        "configs": [
            {"config_name": "default", "data_files": [{"split": "test", "path": "data.jsonl"}]}
        ],
        **hub_licence(str(manifest.get("license") or "")),
        "size_categories": [_size(manifest["items"])],
        "tags": ["evaluation", "agents", "goldloop"],
    }
    # JSON is YAML: a value in quotes cannot become a number, a date or another key.
    yaml = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
    return f"---\n{yaml}---\n\n" + "\n".join(_card_lines(manifest, rounds)) + "\n"


def _card_lines(manifest: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    name, prints = f"{manifest['dataset']}@{manifest['version']}", manifest["fingerprints"]
    yield f"# {name}\n"
    yield f"{manifest['items']} cases for the evaluation of an AI agent, with labels that people"
    yield f"agreed on. Committed {manifest['created_at']} by {markdown_text(manifest['author'])}."
    if manifest["message"]:
        yield f"\n> {markdown_text(manifest['message'])}"
    yield f"\n- Parent: {manifest['parent'] or 'none'}; this number because: {manifest['reason']}"
    if manifest.get("license"):
        yield f"- Licence: {markdown_text(manifest['license'])}"
    yield f"- Content fingerprint (SHA-256): `{prints['content']}`"
    yield f"- Labels fingerprint (SHA-256): `{prints['labels']}`"
    yield f"- Check: `goldloop verify {name}`"
    yield "\n## How it was sampled\n"
    yield from _sampling(rounds)
    yield _READING
    yield _LIMITS


def _sampling(rounds: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    if not rounds:
        yield "No round picked these cases: they carry no weight, and speak for themselves only."
        return
    picked = sum(one["picks"] for one in rounds)
    yield f"{len(rounds)} rounds picked {picked} cases from a pool of"
    yield f"{rounds[-1]['pool_size']} (at the last one); `selection/rounds.jsonl` has the design of"
    yield "each. Most were picked because the agent was unsure, so the agent fails on them more"
    yield "often than on others."


_READING = """
Each item's `selection` says why it was labelled (`reason`), how likely that was by all rounds
(`inclusion_probability`), and what it counts (`weight`, one over it). **A plain mean over the items
is not the agent's quality**: it is that of the cases that were hard for it. The mean weighted by
`weight` speaks for the whole pool. An item without a weight was picked by nobody's design: leave it
out of such a mean.

## Files

| file | holds |
| --- | --- |
| `data.jsonl` | one item a line, by `sample_id`; `schema.json` is its JSON Schema |
| `item_hashes.jsonl` | SHA-256 of every line, to name an item that was changed |
| `manifest.json` | fingerprints, parent, changes, and the hash and size of every file |
| `CHANGELOG.md` | what changed in this version and those before |
| `interface.xml` | the labelling interface that the labels answer |
| `selection/rounds.jsonl` | the rounds that picked the items |
| `quality_report.json`, `croissant.json` | figures on quality; metadata in the Croissant format |
"""
_LIMITS = """## Known limits

- `labels` holds what stood when this was committed; a question on which nothing stood is missing,
  and `evidence.disputed_fields` names those that people disputed.
- Items whose `evidence.state` is neither `agreed` nor `adjudicated` were verified by nobody who
  labels; their `labels` are empty.
- Inputs and responses are as users and models wrote them: they may hold personal data, errors and
  instructions. Show them as text, never as markup.
- Weights hold for the pool and the rounds of the time of the commit."""


def _size(items: int) -> str:
    return next((name for limit, name in _SIZES if items < limit), "n>1M")


def changelog(manifests: Sequence[Mapping[str, Any]]) -> str:
    """The changelog of a dataset: the version and its ancestors, the newest first."""
    title = f"# Changelog of {manifests[0]['dataset']}\n"
    oldest = manifests[-1]
    lines = [title, *(line for one in manifests for line in _changes(one))]
    if oldest["parent"]:
        lines.append(f"What was before {oldest['version']} is not at hand.\n")
    return "\n".join(lines)


def _changes(manifest: Mapping[str, Any]) -> Iterable[str]:
    yield f"## {manifest['version']} ({markdown_text(str(manifest['created_at'])[:10])})\n"
    if manifest.get("message"):
        yield f"{markdown_text(manifest['message'])}\n"
    author = markdown_text(manifest.get("author", "unknown"))
    yield f"- {manifest['items']} items; {markdown_text(manifest['reason'], 500)} (by {author})"
    changes = manifest.get("changes") or {}
    if manifest["parent"]:
        for kind in ("added", "removed"):
            if changes.get(kind):
                yield f"- {kind}: {len(changes[kind])} ({_ids(changes[kind])})"
    for kind in ("modified", "relabelled", "redescribed"):
        if changes.get(kind):
            found = [f"{one} ({', '.join(keys)})" for one, keys in changes[kind].items()]
            yield f"- {kind}: {len(found)} ({_ids(found)})"
    if changes.get("guidelines"):
        yield "- the labelling interface changed"
    yield ""


def _ids(found: Sequence[str]) -> str:
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(markdown_text(one, 80) for one in found[:_NAMED]) + more
