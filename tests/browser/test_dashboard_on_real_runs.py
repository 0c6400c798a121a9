"""The dashboard on the demo's samples and on tau-airline's runs: every kind of page there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from label_config.interface import builtin_interface
from store.annotations import save_annotators
from sync.init import init_project
from sync.project import open_project
from tests.browser.test_dashboard import DRAWN, LAPTOP, PHONE, WIDER, faults, opened, served, until
from tests.sync.labelled import Labelled

pytestmark = pytest.mark.browser

REPOSITORY = Path(__file__).resolve().parents[2]
SUPPORT = REPOSITORY / "examples" / "customer_support"
AIRLINE = REPOSITORY.parent / "shared" / "data" / "tau-airline" / "trajectories.jsonl"
# Of three people the last errs on every fourth sample, so that something is disputed and settled.
PEOPLE = [(1, "ann@example.org", "Ann"), (2, "ben@example.org", "Ben"), (3, "", "Cleo")]
KINDS = 16


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def support_verdicts() -> dict[str, str]:
    """What the answer key says of each of the demo's runs."""
    return {one["sample_id"]: one["correctness"] for one in records(SUPPORT / "answers.jsonl")}


def airline_verdicts() -> dict[str, str]:
    """The ground truth of each run of the airline's agent."""
    return {
        one["id"]: "correct" if one["reward"] >= 1.0 else "incorrect" for one in records(AIRLINE)
    }


def filled(folder: Path, path: Path, verdicts: dict[str, str]) -> None:
    """The project after one turn of the loop: labelled, committed, evaluated twice and gated."""
    folder.mkdir()
    init_project(folder)
    with closing(open_project(folder).open_store()) as db:
        made = Labelled(folder, db, builtin_interface())
        made.run("import", str(path))
        made.run("select", "--batch-size", "60")
        made.show(made.interface.xml)
        save_annotators(db, PEOPLE)
        picked = sorted(row[0] for row in db.execute("SELECT sample_id FROM picks").fetchall())
        for number, sample_id in enumerate(picked):
            made.label(
                replace(one, sample_id=sample_id)
                for one in answers(made, number, verdicts[sample_id])
            )
        made.run("commit", "-m", "one turn of the loop")
    for _ in range(2):
        made.run("evaluate", "--new")
    made.run("gate", "--baseline", "1", "--candidate", "2")


def answers(made: Labelled, number: int, truth: str) -> list[Any]:
    """Two people know it; the third errs now and then, and on some the second does, too."""
    other = "incorrect" if truth == "correct" else "correct"
    third = other if number % 4 == 3 else truth
    second = "partially_correct" if number % 12 == 11 else truth
    return made.three(number, (truth, second, third))


@pytest.fixture
def origin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the pages on these data are served."""
    on_demo = request.param == "the demo's samples"
    path: Path = SUPPORT / "cases.jsonl" if on_demo else AIRLINE
    if not path.exists():
        pytest.skip(f"{path} is not there: the data for tests lie beside the repository")
    verdicts: Callable[[], dict[str, str]] = support_verdicts if on_demo else airline_verdicts
    folder = tmp_path / "project"
    filled(folder, path, verdicts())
    with served(folder) as address:
        yield address


def kind(address: str) -> tuple[str, int]:
    """Pages of one kind have the same beginning and length; what they are of does not matter."""
    parts = urlsplit(address).path.strip("/").split("/")[1:]
    return (parts[0] if parts else ""), len(parts)


# tests/browser/test_dashboard.py looks at every page in both schemes.
@pytest.mark.parametrize(
    ("origin", "scheme", "size"),
    [("the demo's samples", "light", LAPTOP), ("tau-airline", "dark", PHONE)],
    indirect=["origin"],
)
def test_every_kind_of_page_can_be_read_and_asks_nobody_else(
    chromium: Browser, origin: str, scheme: str, size: Any
) -> None:
    waiting, seen = ["/dashboard/"], {("", 0)}
    wrong: list[tuple[str, list[str]]] = []
    with opened(chromium, origin, "/dashboard/", scheme) as (page, did):
        while waiting:
            address = waiting.pop(0)
            page.goto(f"{origin}{address}")
            until(page, DRAWN)
            for looked_at in (LAPTOP, PHONE, size):
                page.set_viewport_size(looked_at)
                until(page, f"{WIDER} <= 0")
            wrong += [(address, found) for found in (did[:], faults(page)) if found]
            did.clear()
            links = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
            for link in links:
                if link.startswith(f"{origin}/dashboard/") and kind(link) not in seen:
                    seen.add(kind(link))
                    waiting.append(link.removeprefix(origin))
    assert wrong == []
    assert len(seen) >= KINDS, sorted(seen)
