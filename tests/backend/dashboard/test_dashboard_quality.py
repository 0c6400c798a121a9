"""How good is the agent? The page says what the commands say, and what to do where they say no."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from store.calibrators import calibrators_in_use
from sync.init import init_project
from tests.backend.dashboard.dashboard_pages import client_of
from tests.backend.dashboard.read_page import plots, rows
from tests.sync.cases import fill, pick
from tests.sync.estimated import estimated
from tests.sync.loop import Loop

QUALITY = "/dashboard/quality"


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Three labelled rounds, a calibrator, and samples that came later."""
    with estimated(tmp_path_factory.mktemp("quality") / "project") as made:
        made.run("calibrate")
        fill(made, 20, first=240)
        yield made


@pytest.fixture(scope="module")
def browser(loop: Loop) -> FlaskClient:
    return client_of(loop.folder)


def cells(one: dict[str, Any]) -> list[str]:
    """What the page shows of an estimate."""
    return [
        f"{one['value']:.1%}",
        f"{one['low']:.1%} to {one['high']:.1%}",
        str(one["labels"]),
        f"{one['effective_labels']:.0f}",
        f"{one['naive']:.1%}",
        str(one["pool"]),
    ]


@pytest.mark.parametrize("by", ["tag", "difficulty"])
def test_the_numbers_are_those_of_the_command(loop: Loop, browser: FlaskClient, by: str) -> None:
    said = loop.json("estimate", "--by", by)
    found = {
        row[0]: row[2:] for row in rows(browser.get(f"{QUALITY}?by={by}").text, f"Estimate by {by}")
    }
    assert found.pop("whole pool") == cells(said["estimate"])
    assert found == {name: cells(one) for name, one in said["slices"].items()}
    assert len(found) == (3 if by == "tag" else 2)


def test_the_biased_mean_stands_beside_the_estimate_and_is_called_so(browser: FlaskClient) -> None:
    page = browser.get(QUALITY).text
    assert "Biased: mean of the labelled set" in page
    assert "do not quote it" in page
    assert page.index("Estimate for the whole pool") < page.index("Biased: mean")


def test_warnings_are_sentences(loop: Loop, browser: FlaskClient) -> None:
    notes = loop.json("estimate")["notes"]
    assert notes
    page = unescape(browser.get(QUALITY).text)
    assert all(note in page for note in notes)


def test_the_line_over_rounds_has_its_band_and_what_it_rests_on(
    loop: Loop, browser: FlaskClient
) -> None:
    page = browser.get(QUALITY).text
    line = plots(page)[0]
    assert line["data"][0] == [1, 2, 3]
    low, high = line["bands"][0]
    for bottom, value, top in zip(low, line["data"][1], high, strict=True):
        assert bottom <= value <= top
    assert line["data"][2][-1] == loop.json("estimate")["estimate"]["naive"]
    found = rows(page, "Estimate by round")
    assert [row[0] for row in found] == ["1", "2", "3"]
    assert [row[5] for row in found] == ["40", "80", "120"]
    assert 'href="/dashboard/rounds/3"' in page


def test_confidence_is_shown_as_the_calibrator_in_use_found_it(
    loop: Loop, browser: FlaskClient
) -> None:
    with loop.store() as db:
        [made] = calibrators_in_use(db, "v1").values()
    page = browser.get(QUALITY).text
    before, after = rows(page, "How good the confidence is")
    for row, side in ((before, made.report["before"]), (after, made.report["after"])):
        assert row[1] == f"{side['brier']:.3f}"
        assert row[3].startswith(f"{side['auroc']:.3f} ({side['auroc_low']:.3f} to ")
        assert row[4] == f"{side['ece']:.3f}"
        assert row[5].startswith(f"{side['ece_null']:.3f}, at most")
    reliability = plots(page)[1]
    assert reliability["diagonal"]
    shares = [one["share_correct"] for one in made.report["after"]["bins"]]
    assert [one for one in reliability["data"][2] if one is not None] == shares


def test_slices_can_stand_with_the_worst_first(browser: FlaskClient) -> None:
    found = rows(browser.get(f"{QUALITY}?by=tag&sort=worst").text, "Estimate by tag")[1:]
    shares = [float(row[2].rstrip("%")) for row in found]
    assert shares == sorted(shares)
    best = rows(browser.get(f"{QUALITY}?by=tag&sort=best").text, "Estimate by tag")[1:]
    assert best == found[::-1]


@pytest.mark.parametrize("query", ["by=source", "sort=%3Cb%3E", "version=v9", "page=x", "page=0"])
def test_what_cannot_be_asked_is_refused(browser: FlaskClient, query: str) -> None:
    assert browser.get(f"{QUALITY}?{query}").status_code == 400


def test_a_new_project_is_told_to_run_the_agent(tmp_path: Path) -> None:
    init_project(tmp_path / "project")
    page = client_of(tmp_path / "project").get(QUALITY).text
    assert "<code>goldloop run</code>" in page


def test_without_a_label_the_page_says_what_the_command_says(tmp_path: Path) -> None:
    with estimated(tmp_path / "project", rounds=0, samples=20) as made:
        browser = client_of(made.folder)
        assert "goldloop push --batch-size 20" in browser.get(QUALITY).text
        pick(made, 5)
        said = made.refused("estimate", exit_code=3).removeprefix("Error: ").strip()
        page = " ".join(unescape(browser.get(QUALITY).text).split())
        assert "when people have answered: goldloop pull" in page
        assert " ".join(said.split())[-60:] in page
        assert "goldloop calibrate" in page


def test_a_version_that_people_were_not_shown_is_asked_for_by_name(tmp_path: Path) -> None:
    with estimated(tmp_path / "project", rounds=1, samples=60, size=20) as made:
        fill(made, 60, version="v2")
        browser = client_of(made.folder)
        assert (
            "labels stand, but on runs of other versions"
            in browser.get(f"{QUALITY}?version=v2").text
        )
        # Without a choice in the settings, the version that people were shown.
        assert rows(browser.get(QUALITY).text, "Estimate by tag")[0][4] == "20"
