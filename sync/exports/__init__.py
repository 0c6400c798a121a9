"""The formats that a dataset version is exported in, one a file, by the name that --format takes.

Gold labels, what is expected, slices, weights, how far labels stand and both fingerprints travel
in every one of them. An item that a format cannot hold without harm is left out and counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from sync.exports import (
    braintrust,
    croissant,
    csv_table,
    huggingface,
    inspect_samples,
    jsonl,
    label_studio,
    langsmith,
    openai_evals,
    parquet,
    promptfoo,
)
from sync.exports.form import Format

FORMATS: Mapping[str, Format] = {
    "jsonl": jsonl.FORMAT,
    "csv": csv_table.FORMAT,
    "parquet": parquet.FORMAT,
    "huggingface": huggingface.FORMAT,
    "promptfoo": promptfoo.FORMAT,
    "inspect": inspect_samples.FORMAT,
    "openai_evals": openai_evals.FORMAT,
    "openai_evals_hosted": openai_evals.HOSTED,
    "braintrust": braintrust.FORMAT,
    "langsmith": langsmith.FORMAT,
    "croissant": croissant.FORMAT,
    "label_studio": label_studio.FORMAT,
    "label_studio_predictions": label_studio.PREDICTIONS,
}
