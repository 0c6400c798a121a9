"""huggingface: a dataset folder with a card, for datasets.load_dataset(FOLDER) or the Hub."""

from __future__ import annotations

import json
from pathlib import Path

from goldloop.licences import hub_licence
from sync.exports import parquet
from sync.exports.form import Edition, Format

DATA = "data/test.parquet"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))


def write(edition: Edition, folder: Path) -> None:
    """The card and one Parquet file, which is the split `test`: the items are there to evaluate."""
    (folder / "data").mkdir()
    rows = parquet.write(edition, folder / DATA)
    (folder / "README.md").write_text(card(edition, rows), encoding="utf-8", newline="\n")


def card(edition: Edition, items: int) -> str:
    """The dataset card: YAML that loads the data, then what a reader must know.

    Of what people and models wrote, only the tags that were asked for can be in it.
    """
    head = {
        "pretty_name": edition.name,
        "configs": [{"config_name": "default", "data_files": [{"split": "test", "path": DATA}]}],
        **hub_licence(str(edition.manifest.get("license") or "")),
        "size_categories": [_size(items)],
        "tags": ["evaluation", "agents", "goldloop"],
    }
    # JSON is YAML: a value in quotes cannot become a number, a date or another key.
    yaml = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
    facts = {**edition.origin, "items": items}
    rows = "".join(f"| {key} | `{_shown(value)}` |\n" for key, value in facts.items())
    return f"---\n{yaml}---\n{_TEXT.format(name=edition.name, rows=rows)}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("|", "\\|").replace("`", "'")


def _size(items: int) -> str:
    return next((name for limit, name in _SIZES if items < limit), "n>1M")


_TEXT = """# {name}

A golden evaluation set for an AI agent, made by Goldloop. People labelled the items; `state` says
of each how its labels came to stand: `agreed` by people, `adjudicated` by an expert, `unverified`
where nobody labelled it.

| origin | value |
| --- | --- |
{rows}
## Columns

- `user_input` is what the agent is asked, and `conversation` the turns before it.
- `expected_response` and `expected_tool_calls` are what is right. A null says nothing; an empty
  list of calls says that the agent must call nothing. A call's `arguments` are JSON text.
- `labels` holds every answer as JSON text, and `label_<question>` each in its own type.
- `slices` are the tags and the difficulty of an item, as `tag:refund` and `difficulty:hard`.

## Weights

The items were not picked evenly. `inclusion_probability` is the chance that an item had, and
`weight` is 1 over it: a mean over the items that counts each by its weight speaks for the whole
pool. Items without a weight were picked by hand; leave them out of such a mean.
"""

FORMAT = Format(
    "a folder with a card, for load_dataset(FOLDER)",
    "-huggingface",
    write,
    folder=True,
)
