"""The pages of rounds tell the numbers that the store has, a hundred rows at a time."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import BadRequest, NotFound

from backend.dashboard.paging import page_of
from bench._large_store import large_project
from store.database import open_store
from store.rounds import pick_counts, round_picks
from store.samples import get_samples
from tests.backend.dashboard.dashboard_pages import client_of
from tests.backend.dashboard.read_page import plots, rows
from tests.sync.labelled import Labelled


def cells(page: str, heading: str) -> list[list[str]]:
    """The rows of the table in the region of that name, as texts."""
    table = page.split(f'aria-label="{heading}"><table>', 1)[1].split("</table>", 1)[0]
    rows = table.split("<tbody>", 1)[1].split("<tr>")[1:]
    return [
        [re.sub("<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with five rounds of 180 picks."""
    return large_project(tmp_path_factory.mktemp("large") / "project", 1_000, 1_000)


def test_the_list_counts_the_picks_of_every_round(filled: Labelled, client: FlaskClient) -> None:
    [row] = cells(client.get("/dashboard/rounds").text, "Rounds")
    counted = pick_counts(filled.db)[1]
    assert row[0] == "1"
    assert row[4:9] == ["60", "40", str(counted["uncertain"]), str(counted["random"]), "0"]
    assert counted["uncertain"] + counted["random"] == 40


def test_a_round_shows_which_share_of_each_tag_and_difficulty_it_took(
    filled: Labelled, client: FlaskClient
) -> None:
    page = client.get("/dashboard/rounds/1").text
    picks = get_samples(filled.db, [pick.sample_id for pick in round_picks(filled.db, 1)])
    hard = Counter(sample.difficulty for sample in picks.values())
    tags = Counter(tag for sample in picks.values() for tag in sample.tags)
    assert [row[:3] for row in cells(page, "Difficulty")] == [
        [name, str(hard[name]), "20"] for name in ("easy", "medium", "hard")
    ]
    refunds = next(row for row in cells(page, "Tags") if row[0] == "refunds")
    assert refunds == ["refunds", str(tags["refunds"]), "45", f"{tags['refunds'] / 45:.0%}"]


def test_the_picks_of_one_reason_can_be_looked_at_alone(
    filled: Labelled, client: FlaskClient
) -> None:
    drawn = [pick for pick in round_picks(filled.db, 1) if pick.reason == "random"]
    rows = cells(client.get("/dashboard/rounds/1?why=random").text, "Picks")
    assert [row[1] for row in rows] == [pick.sample_id for pick in drawn]
    assert {row[3] for row in rows} == {"random"}
    none = cells(client.get("/dashboard/rounds/1?why=novel").text, "Picks")
    assert none == [["none was picked for this"]]
    assert len(cells(client.get("/dashboard/rounds/1?why=").text, "Picks")) == 40


def test_picks_stand_in_the_order_and_have_the_tag_that_is_asked_for(
    filled: Labelled, client: FlaskClient
) -> None:
    drawn = [pick for pick in round_picks(filled.db, 1) if pick.reason == "random"]
    samples = get_samples(filled.db, [pick.sample_id for pick in drawn])
    refunds = [pick.sample_id for pick in drawn if "refunds" in samples[pick.sample_id].tags]
    page = client.get("/dashboard/rounds/1?why=random&tag=refunds&sort=sample").text
    assert [row[1] for row in cells(page, "Picks")] == sorted(refunds)
    assert f">random ({len(refunds)})</a>" in page
    assert 'href="?why=uncertain&amp;tag=refunds&amp;sort=sample"' in page
    page = client.get("/dashboard/rounds/1?sort=certain").text
    scores = [float(row[5]) for row in cells(page, "Picks")]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1]


def test_rounds_stand_in_the_order_that_is_asked_for(large: Path) -> None:
    client = client_of(large)

    def shown(query: str) -> list[list[str]]:
        return cells(client.get(f"/dashboard/rounds{query}").text, "Rounds")

    assert [row[0] for row in shown("")] == ["5", "4", "3", "2", "1"]
    assert [row[0] for row in shown("?sort=oldest&agent=agent-1")] == ["1", "2", "3", "4", "5"]
    cutoffs = [float(row[-1]) for row in shown("?sort=cutoff")]
    assert cutoffs == sorted(cutoffs, reverse=True)
    assert "No round fits" in client.get("/dashboard/rounds?agent=another").text


def test_few_picks_are_drawn_as_large_as_the_pool_with_their_numbers_beside(large: Path) -> None:
    page = client_of(large).get("/dashboard/rounds/2").text
    [plot] = plots(page)
    with closing(open_store(large / "goldloop.db")) as db:
        counts = pick_counts(db)[2]
    assert [sum(one) for one in plot["counts"][1:]] == [
        counts[name] for name in ("uncertain", "random", "novel")
    ]
    drawn = zip(plot["data"][1:], plot["counts"], strict=True)
    assert [sum(shares) for shares, many in drawn if any(many)] == pytest.approx([100.0] * 3)
    table = rows(page, "Uncertainty of the pool")
    assert [row[1] for row in table] == [str(many) for many in plot["counts"][0]]


def test_many_picks_are_shown_a_hundred_at_a_time(large: Path) -> None:
    client = client_of(large)
    first = client.get("/dashboard/rounds/1?why=all").text
    second = client.get("/dashboard/rounds/1?why=all&page=2").text
    assert [len(cells(page, "Picks")) for page in (first, second)] == [100, 80]
    assert 'rel="next" href="?why=all&amp;page=2"' in first
    assert "1 to 100 of 180" in first
    assert 'rel="prev" href="?why=all&amp;page=1"' in second
    assert 'rel="next"' not in second
    assert client.get("/dashboard/rounds/1?page=3").status_code == 404
    seen = [row[1] for page in (first, second) for row in cells(page, "Picks")]
    assert len(set(seen)) == 180


def test_links_to_other_pages_keep_what_else_was_asked_and_escape_it(large: Path) -> None:
    page = client_of(large).get('/dashboard/rounds/1?why=all&"><script>=x').text
    assert "?why=all&amp;%22%3E%3Cscript%3E=x&amp;page=2" in page
    assert "<script>=x" not in page


def test_a_round_of_many_picks_is_counted_by_its_reasons(large: Path) -> None:
    page = client_of(large).get("/dashboard/rounds/2").text
    with closing(open_store(large / "goldloop.db")) as db:
        counts = pick_counts(db)[2]
    for name in ("uncertain", "random", "novel"):
        assert f">{name} ({counts[name]})</a>" in page


@pytest.mark.parametrize("asked", ["0", "-1", "1.5", "", "²", "1" * 10, "x", " 1", "٣"])
def test_what_is_no_page_number_is_refused(asked: str) -> None:
    with pytest.raises(BadRequest):
        page_of({"page": asked}, 1_000)


def test_an_empty_table_has_one_page() -> None:
    assert page_of({}, 0).rows == slice(0, 0)
    with pytest.raises(NotFound, match="1 pages, and not 2"):
        page_of({"page": "2"}, 100)
