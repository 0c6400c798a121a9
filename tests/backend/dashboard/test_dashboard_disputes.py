"""The queue of disputes, and the page of one: what each shows, filters, sorts and leads to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.dashboard.dispute_queue import CAUSES, SORTS, STEPS
from store.tasks import mark_delivered, plan_tasks
from sync.init import init_project
from tests.backend.dashboard.dashboard_pages import client_of, picked
from tests.sync.labelled import PROJECT, TRUTHS, Labelled, labelled
from tests.sync.reported import SCRIPT
from views.disputes import list_disputes

LONG = "a very long answer " * 400
AWKWARD = ("a//b", "../up", "-", "what?#no&x=1", "50% / off", "100%25", "a\\b", "où/ß")


def cases_in(page: str) -> list[str]:
    """The samples of the queue, in its order."""
    return re.findall(r'<th scope="row"><a href="[^"]*/disputes/(s\d+)', page)


def disputed(made: Labelled) -> list[str]:
    found: list[dict[str, Any]] = json.loads(made.run("disputes", "--json").stdout)
    return sorted(one["sample_id"] for one in found)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Labelled]:
    """A project with a few samples and nothing answered yet."""
    (tmp_path / "own").mkdir()
    made = labelled(tmp_path / "own", samples=4)
    with closing(made.db):
        yield made


@pytest.fixture
def traced(tmp_path: Path) -> Labelled:
    """A dispute over a long run with a tool call that is no JSON and hostile results."""
    (tmp_path / "traced").mkdir()
    made = labelled(tmp_path / "traced", samples=1)
    call = {"name": "find", "arguments": '{"id": ', "id": "c1"}
    messages = [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"html": "<script>x()</script>"}'},
        {"role": "tool", "name": "read", "content": "much was found\n" * 20},
        *({"role": "assistant", "content": f"step {n}"} for n in range(40)),
        {"role": "assistant", "content": LONG},
    ]
    run = {"agent_version": "v1", "confidence": 0.2, "messages": messages}
    record = {"sample_id": "t1", "user_input": "Where is it?", "run": run}
    path = made.folder / "traced.jsonl"
    path.write_text(json.dumps(record))
    made.run("import", str(path))
    made.run("select", "--batch-size", "1")
    made.label([replace(one, sample_id="t1") for one in made.three(0, TRUTHS)])
    made.run("consensus")
    made.db.close()
    return made


class TestQueue:
    def test_holds_what_the_command_lists(self, filled: Labelled, client: FlaskClient) -> None:
        page = client.get("/dashboard/disputes?sort=sample").text
        assert cases_in(page) == disputed(filled)
        assert "5 in the queue" in page
        assert "correct × 1, incorrect × 1, partially_correct × 1" in page

    def test_is_narrowed_by_field_tag_cause_and_next_step(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        everything = set(disputed(filled))
        hostile = {one for one in everything if int(one[1:]) % 4 == 0}
        assert hostile
        assert hostile < everything
        found = client.get("/dashboard/disputes", query_string={"tag": SCRIPT}).text
        assert set(cases_in(found)) == hostile
        assert set(cases_in(client.get("/dashboard/disputes?field=correctness").text)) == everything
        by_step = [cases_in(client.get(f"/dashboard/disputes?next={one}").text) for one in STEPS]
        assert sorted(one for found in by_step for one in found) == sorted(everything)
        by_cause = [cases_in(client.get(f"/dashboard/disputes?cause={one}").text) for one in CAUSES]
        assert sorted(one for found in by_cause for one in found) == sorted(everything)

    def test_says_so_when_nothing_fits(self, client: FlaskClient) -> None:
        page = client.get("/dashboard/disputes?tag=nobody-has-it").text
        assert "No disputed sample fits these filters." in page
        assert '<option value="nobody-has-it" selected>' in page

    @pytest.mark.parametrize("sort", SORTS)
    def test_every_order_holds_the_same_samples(
        self, filled: Labelled, client: FlaskClient, sort: str
    ) -> None:
        found = cases_in(client.get(f"/dashboard/disputes?sort={sort}").text)
        assert sorted(found) == disputed(filled)

    @pytest.mark.parametrize(
        "query",
        ["field=no_such", "cause=<b>", "next=soon", "sort=up", f"tag={'x' * 201}", "page=x"],
    )
    def test_refuses_nonsense(self, client: FlaskClient, query: str) -> None:
        assert client.get(f"/dashboard/disputes?{query}").status_code == 400

    def test_tells_a_project_without_disputes_what_to_do(self, tmp_path: Path) -> None:
        init_project(tmp_path / "empty")
        page = client_of(tmp_path / "empty").get("/dashboard/disputes").text
        assert "Nothing is disputed" in page
        assert "goldloop pull" in page

    def test_a_setting_that_is_wrong_is_told_with_what_to_do(self, own: Labelled) -> None:
        own.label(own.three(1, TRUTHS))
        own.run("consensus")
        own.configure('[label_studio]\nexperts = ["nobody@example.org"]\n')
        refused = client_of(own.folder).get("/dashboard/disputes")
        assert refused.status_code == 503
        assert "nobody in Label Studio has the address nobody@example.org" in refused.text
        assert "goldloop pull" in refused.text

    def test_shows_a_new_dispute_at_once(self, own: Labelled) -> None:
        client = client_of(own.folder)
        assert "Nothing is disputed" in client.get("/dashboard/disputes").text
        own.label(own.three(1, TRUTHS))
        own.run("consensus")
        assert cases_in(client.get("/dashboard/disputes").text) == ["s1"]


class TestOne:
    def test_shows_the_answers_side_by_side_and_names_nobody(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        page = client.get(f"/dashboard/disputes/{disputed(filled)[0]}").text
        answers = page.split('<table class="answers">')[1].split("</table>")[0]
        assert [answers.count(f">{truth}</span>") for truth in TRUTHS] == [1, 1, 1]
        assert 'class="disputed"><th scope="row">correctness' in answers
        assert "tool_use" in answers
        assert "Ann Lee" not in page
        assert "ann@example.org" not in page

    def test_the_order_of_the_answers_gives_nobody_away(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        # Persons 1, 2 and 3 answered with the truths in this order, to each of these samples.
        orders = set()
        for sample_id in disputed(filled):
            page = client.get(f"/dashboard/disputes/{sample_id}").text
            answers = page.split('<table class="answers">')[1].split("</table>")[0]
            orders.add(tuple(sorted(TRUTHS, key=lambda truth: answers.index(f">{truth}</span>"))))
        assert len(orders) > 1

    def test_leads_to_the_next_and_the_one_before_in_the_same_queue(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        queue = disputed(filled)
        query = "?field=correctness&amp;sort=sample"
        page = client.get(f"/dashboard/disputes/{queue[1]}?field=correctness&sort=sample").text
        assert f'href="/dashboard/disputes/{queue[0]}{query}" data-key="k"' in page
        assert f'href="/dashboard/disputes/{queue[2]}{query}" data-key="j"' in page
        assert "2 of 5" in page
        last = client.get(f"/dashboard/disputes/{queue[-1]}?sort=sample").text
        assert 'data-key="j"' not in last

    def test_of_a_sample_that_is_settled_says_so_and_leads_on(
        self, filled: Labelled, client: FlaskClient
    ) -> None:
        page = client.get(f"/dashboard/disputes/s{picked(filled)[0]}?sort=sample")
        assert page.status_code == 200
        assert "It is not disputed: it is <b>agreed</b>" in page.text
        first = disputed(filled)[0]
        assert f'href="/dashboard/disputes/{first}?sort=sample" data-key="j"' in page.text

    def test_links_the_task_in_label_studio_once_it_is_there(self, traced: Labelled) -> None:
        client = client_of(traced.folder)
        assert "The task is not in Label Studio." in client.get("/dashboard/disputes/t1").text
        with closing(traced.project.open_store()) as db:
            plan_tasks(db, PROJECT, 1, ["t1"], 10)
            mark_delivered(db, PROJECT, {"t1": 2})
        page = client.get("/dashboard/disputes/t1").text
        assert f'href="http://there/projects/{PROJECT}/data?task=2"' in page

    def test_counts_who_skipped(self, own: Labelled) -> None:
        skipped = replace(own.said(1, 4), was_cancelled=True)
        own.label([*own.three(1, TRUTHS), skipped])
        own.run("consensus")
        assert "answered, 1 skipped" in client_of(own.folder).get("/dashboard/disputes/s1").text


class TestTrace:
    def test_is_shown_as_a_conversation_as_far_as_one_looks_first(self, traced: Labelled) -> None:
        page = client_of(traced.folder).get("/dashboard/disputes/t1").text
        assert "calls <code>find</code>" in page
        assert "with arguments that are no JSON" in page
        assert "Tool result of <code>find</code>" in page
        assert "&lt;script&gt;x()" in page
        assert "<script>x()" not in page
        assert "15 messages in between are not shown" in page
        assert f"{len(LONG) - 1500:,} more characters are not shown" in page
        assert "step 20" not in page
        assert "300 characters · <bdi>much was found" in page
        assert "<details><summary>" in page

    def test_is_shown_whole_when_asked_for(self, traced: Labelled) -> None:
        page = client_of(traced.folder).get("/dashboard/disputes/t1?all=1").text
        assert "step 20" in page
        assert LONG.strip() in page
        assert "Show less" in page
        assert "<details open><summary>" in page
        refused = client_of(traced.folder).get("/dashboard/disputes/t1?all=yes")
        assert refused.status_code == 400


def test_a_sample_is_reached_whatever_its_id_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    made = labelled(tmp_path / "own", samples=1)
    records = [{"sample_id": one, "user_input": f"{one}?"} for one in AWKWARD]
    path = made.folder / "awkward.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    made.run("import", str(path))
    for number, sample_id in enumerate(AWKWARD):
        made.label([replace(one, sample_id=sample_id) for one in made.three(number, TRUTHS)])
    made.run("consensus")
    made.db.close()
    client = client_of(made.folder)
    links = _links(r'<th scope="row"><a href="([^"]+)"', client.get("/dashboard/disputes").text)
    assert len(links) == len(AWKWARD)
    for link in links:
        [story] = _links(r'<a href="([^"]+)">Its whole story', client.get(link).text)
        told = client.get(story)
        assert told.status_code == 200
        # Where the page looks for what is newer.
        [again] = _links(r'<main [^>]*hx-get="([^"]+)"', told.text)
        assert not set(again) & set('#"\\ ')
        assert client.get(again).text == told.text


def _links(pattern: str, page: str) -> list[str]:
    return [unescape(link) for link in re.findall(pattern, page)]


def test_few_others_are_looked_at_for_the_cause_where_that_is_asked_for(filled: Labelled) -> None:
    whole = list_disputes(filled.project, filled.db)
    part = list_disputes(filled.project, filled.db, compared=3)
    assert [(one.sample_id, one.field, one.answers) for one in part] == [
        (one.sample_id, one.field, one.answers) for one in whole
    ]
    assert list_disputes(filled.project, filled.db, compared=1000) == whole
