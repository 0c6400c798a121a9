"""Real people's answers, from the data that lies beside the checkout."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

Labels = list[tuple[str, str, str]]


@pytest.fixture(scope="session")
def real_labels(shared_data: Path) -> Callable[[str], Labels]:
    """The rows (task, annotator, label) of one data set, by its name."""

    def read(name: str) -> Labels:
        path = shared_data / "annotators" / name / "labels.csv"
        if not path.is_file():
            pytest.skip(f"the labels of {name} are not in {path}")
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return [(row["task_id"], row["annotator_id"], row["label"]) for row in rows]

    return read
