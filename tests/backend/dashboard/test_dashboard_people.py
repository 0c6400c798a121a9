"""Do people agree? The page says what `agreement` and `annotators` say, and bounds its work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.dashboard import people
from store.annotations import save_annotators
from sync.init import init_project
from tests.backend.dashboard.dashboard_pages import client_of
from tests.backend.dashboard.read_page import rows, seen
from tests.sync.labelled import Labelled, labelled

PEOPLE = "/dashboard/people"
NAMES = [(one, f"p{one}@example.org", f"Person {one}") for one in range(1, 13)]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelled]:
    """Three of twelve people on each of ninety samples; the third of them answers fast."""
    folder = tmp_path_factory.mktemp("people") / "project"
    folder.mkdir()
    made = labelled(folder)
    with closing(made.db):
        save_annotators(made.db, NAMES)
        answers = made.crowd(range(90), people=12)
        made.label(replace(a, lead_time=2.0 if a.annotator_id == 3 else 30.0) for a in answers)
        yield made


@pytest.fixture(scope="module")
def browser(crowd: Labelled) -> FlaskClient:
    return client_of(crowd.folder)


def said(made: Labelled, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(made.run(*arguments, "--json").stdout)
    return found


def number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def cells(one: dict[str, Any]) -> list[str]:
    """What the page shows of the agreement on a field."""
    percent, score, ac1 = one["percent"], one["score"], one["ac1"]
    ends = score["interval"]
    return [
        str(one["tasks"]),
        str(one["annotators"]),
        f"{percent['value']:.1%} ({percent['interval'][0]:.0%} to {percent['interval'][1]:.0%})",
        one["measure"],
        "",
        number(score["value"]),
        f"{ends[0]:.3f} to {ends[1]:.3f}" if ends else "–",
        number(ac1["value"])
        + (f" ({ac1['interval'][0]:.2f} to {ac1['interval'][1]:.2f})" if ac1["interval"] else ""),
    ]


def test_the_fields_have_the_numbers_of_agreement(crowd: Labelled, browser: FlaskClient) -> None:
    found = {row[0]: row[1:] for row in rows(browser.get(PEOPLE).text, "Agreement by field")}
    assert found == {one["field"]: cells(one) for one in said(crowd, "agreement")}
    assert set(found) == {"correctness", "tool_use"}


def test_warnings_stand_below_the_fields_that_they_are_about(browser: FlaskClient) -> None:
    assert "tool_use: all answers are &#39;right&#39;" in browser.get(PEOPLE).text


def test_a_field_can_be_sliced(tmp_path: Path) -> None:
    tmp_path.joinpath("project").mkdir()
    made = labelled(tmp_path / "project", samples=30)
    with closing(made.db):
        made.label(made.crowd(range(30)))
        page = client_of(made.folder).get(f"{PEOPLE}?by=source&field=correctness").text
        sliced = said(made, "agreement", "--by", "source")
    wanted = {one["slice"]: cells(one) for one in sliced if one["field"] == "correctness"}
    assert {row[0]: row[1:] for row in rows(page, "Agreement by source")} == wanted
    assert wanted
    nowhere = client_of(made.folder).get(f"{PEOPLE}?by=cluster").text
    assert "No answered sample has a cluster" in nowhere


def test_only_the_largest_of_many_slices_are_worked_out(
    crowd: Labelled, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(people, "MOST_SLICES", 1)
    lines = (
        json.dumps({"sample_id": f"s{n}", "user_input": f"{n}?", "tags": ["a" if n % 3 else "b"]})
        for n in range(30)
    )
    folder = tmp_path / "project"
    init_project(folder)
    (folder / "samples.jsonl").write_text("\n".join(lines))
    made = replace(crowd, folder=folder)
    made.run("import", str(folder / "samples.jsonl"))
    made.db = made.project.open_store()
    with closing(made.db):
        made.show(made.interface.xml)
        made.label(made.crowd(range(30)))
        page = client_of(folder).get(f"{PEOPLE}?by=tag").text
    assert [row[0] for row in rows(page, "Agreement by tag")] == ["a"]
    assert "The largest of 2." in page


def test_everybody_has_the_numbers_of_annotators(crowd: Labelled, browser: FlaskClient) -> None:
    found = {row[0]: row[1:] for row in rows(browser.get(PEOPLE).text, "Annotators")}
    wanted = {one["name"]: one for one in said(crowd, "annotators")}
    assert set(found) == set(wanted) == {name for _, _, name in NAMES}
    for name, row in found.items():
        one = wanted[name]
        assert row[:2] == [str(one["answers"]), str(one["skips"])]
        low, high = one["others_interval"]
        shown = f"{one['with_others']:.1%} ({low:.0%} to {high:.0%}) of {one['compared']}"
        assert row[2] == shown
        assert row[5:7] == [f"{one['median_seconds']:.1f}", str(one["hasty"])]
        change = one["drift"]["change"]
        assert row[8].startswith("–" if change is None else f"{change:+.3f} (")
    assert wanted["Person 3"]["hasty"] == wanted["Person 3"]["answers"]


@pytest.mark.parametrize(
    ("sort", "column", "first"), [("hasty", 7, "Person 3"), ("fast", 6, "Person 3")]
)
def test_people_can_stand_by_what_is_wrong(
    browser: FlaskClient, sort: str, column: int, first: str
) -> None:
    found = rows(browser.get(f"{PEOPLE}?sort={sort}").text, "Annotators")
    assert found[0][0] == first
    assert len({row[column] for row in found}) == 2


def test_pairs_have_the_numbers_of_agreement_and_turn_pages(
    crowd: Labelled, browser: FlaskClient
) -> None:
    wanted = {
        (f"Person {one['first']}", f"Person {one['second']}"): [
            str(one["tasks"]),
            f"{one['percent']['value']:.1%}" + spanned(one["percent"], "{:.0%}"),
            number(one["kappa"]["value"]) + spanned(one["kappa"], "{:.2f}"),
        ]
        for one in said(crowd, "agreement", "--pairs")
        if one["field"] == "correctness"
    }
    found: dict[tuple[str, str], list[str]] = {}
    shares = []
    for page in range(1, -(-len(wanted) // people.SIZE) + 1):
        text = browser.get(f"{PEOPLE}?field=correctness&pairs=high&page={page}").text
        for row in rows(text, "Pairs of annotators"):
            found[row[0], row[1]] = row[2:]
            shares.append(float(row[3].partition("%")[0]))
    assert found == wanted
    assert shares == sorted(shares, reverse=True)
    assert len(wanted) > people.SIZE


def spanned(one: dict[str, Any], form: str) -> str:
    """The interval of a value, as it stands behind it."""
    ends = one["interval"]
    return f" ({' to '.join(map(form.format, ends))})" if ends else ""


def test_a_field_is_taken_apart_over_time(crowd: Labelled, browser: FlaskClient) -> None:
    wanted = [
        (str(one["tasks"]), number(one["score"]["value"]))
        for one in said(crowd, "agreement", "--over-time")
        if one["field"] == "correctness"
    ]
    page = browser.get(f"{PEOPLE}?field=correctness&by=time").text
    found = rows(page, "Agreement by time")
    assert [(row[1], row[6]) for row in found] == wanted
    assert len(wanted) > 1
    assert found[0][0] <= found[-1][0]
    assert "goldloop agreement --over-time" in page


def test_what_is_confused_is_everybodys_confusions_together(
    crowd: Labelled, browser: FlaskClient
) -> None:
    options = ("correct", "partially_correct", "incorrect")
    totals = [[0] * len(options) for _ in options]
    for one in said(crowd, "annotators"):
        [errors] = [each for each in one["fields"] if each["field"] == "correctness"]
        [matrix] = errors["confusions"]
        for r, row in enumerate(matrix["counts"]):
            for c, count in enumerate(row):
                totals[r][c] += count
    page = browser.get(f"{PEOPLE}?field=correctness").text
    assert [row[1:] for row in rows(page, "Confusions in correctness")] == [
        [str(n) for n in r] for r in totals
    ]
    most = rows(page, "What is confused most")[0]
    largest = max(totals[r][c] for r in range(3) for c in range(3) if r != c)
    assert most[2].startswith(f"{largest} of ")


def test_an_annotator_has_a_page_of_their_own(crowd: Labelled, browser: FlaskClient) -> None:
    page = browser.get(f"{PEOPLE}/3").text
    assert "<h1>Person 3</h1>" in page
    [one] = [one for one in said(crowd, "annotators") if one["annotator_id"] == 3]
    [errors] = [each for each in one["fields"] if each["field"] == "correctness"]
    counts = errors["confusions"][0]["counts"]
    assert [row[1:] for row in rows(page, "Confusions in correctness")] == [
        [str(n) for n in r] for r in counts
    ]
    bias = rows(page, "Bias in correctness")[0]
    assert bias[1] == f"{errors['biases'][0]['difference']:+.3f}"
    periods = rows(page, "Agreement over time")
    assert [int(row[2]) for row in periods] == [p["answers"] for p in one["drift"]["periods"]]
    assert f"Later half less earlier half: {one['drift']['change']:+.3f}" in page


@pytest.mark.parametrize("path", [f"{PEOPLE}/99", f"{PEOPLE}/-4", f"{PEOPLE}/x", f"{PEOPLE}/1e9"])
def test_nobody_has_no_page(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["by=language", "field=notes", "sort=name", "pairs=x", "page=0", "page=%00"]
)
def test_what_cannot_be_asked_for_is_refused(browser: FlaskClient, query: str) -> None:
    assert browser.get(f"{PEOPLE}?{query}").status_code == 400


def test_of_very_many_samples_a_random_part_is_read_and_the_page_says_so(
    crowd: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "MOST_ANSWERS", 100)
    monkeypatch.setattr("views.people.BATCH", 20)
    # Another folder's name is another place for what is kept.
    (crowd.folder.parent / "again").symlink_to(crowd.folder)
    browser = client_of(crowd.folder.parent / "again")
    page = browser.get(PEOPLE).text
    assert "40 of the 90 samples that people answered, drawn at random" in seen(page)
    assert rows(page, "Agreement by field")[0][1] == "40"
    assert "40 of the 90 samples" in seen(browser.get(f"{PEOPLE}/3").text)


def test_where_nobody_answered_the_page_says_what_to_do(tmp_path: Path) -> None:
    init_project(tmp_path / "project")
    page = client_of(tmp_path / "project").get(PEOPLE).text
    assert "Nobody has answered yet" in page
    assert "<code>goldloop pull</code>" in page


KINDS = """<View><Text name="t" value="$text"/>
<Choices name="faults" toName="t" choice="multiple">
<Choice value="slow"/><Choice value="&lt;b&gt;rude"/></Choices>
<Rating name="stars" toName="t"/><Number name="cost" toName="t"/>
<TextArea name="why" toName="t"/></View>"""


@pytest.mark.parametrize("field", ["faults", "stars", "cost", "why"])
def test_every_kind_of_field_is_shown_as_what_fits_it(tmp_path: Path, field: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    made = labelled(folder, samples=25)
    with closing(made.db):
        made.configure('[consensus]\ngold_fields = ["faults", "stars", "cost", "why"]\n')
        made.show(KINDS)
        made.label(
            made.said(
                n,
                person,
                faults=("slow",) if n % 3 else ("slow", "<b>rude") if person == 1 else ("slow",),
                stars=n % 4 + (person == 2) + 1,
                cost=float(n + person),
                why=f"note {n} {'<b>' * (person == 2)}",
            )
            for n in range(25)
            for person in (1, 2, 3)
        )
        browser = client_of(folder)
        page = browser.get(f"{PEOPLE}?field={field}").text
        found = {row[0]: row[1:] for row in rows(page, "Agreement by field")}
        assert found == {one["field"]: cells(one) for one in said(made, "agreement")}
        alone = browser.get(f"{PEOPLE}/2").text
    assert "<b>rude" not in page + alone
    if field == "faults":
        ticks = {row[0]: row[1:] for row in rows(page, "Who chose what in faults")}
        assert ticks["slow"] == ["75", "0", "0", "0"]
        assert ticks["<b>rude"][1] == "9"
    else:
        assert f"{field} is no choice between options" in page
    assert "numbers are" in alone
