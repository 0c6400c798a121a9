"""Several people label: what they say, change, skip and delete reaches the consensus."""

from __future__ import annotations

import json

import pytest

from store.annotations import save_annotators
from sync import pull
from tests.sync.loop import VERDICT, sample

pytestmark = pytest.mark.labelstudio

WRONG = {**VERDICT, "correctness": "incorrect"}


@pytest.fixture
def no_overlap(monkeypatch):
    """An incremental pull looks back 30 seconds; a test has no time for that."""
    monkeypatch.setattr(pull, "OVERLAP", pull.OVERLAP * 0)


def labels(loop, sample_id):
    [one] = [one for one in loop.json("consensus") if one["sample_id"] == sample_id]
    return one


def history(loop, annotation_id):
    rows = loop.rows(
        "SELECT result, deleted_at FROM annotation_history WHERE annotation_id = ? "
        "ORDER BY history_id",
        annotation_id,
    )
    return [(_verdict(json.loads(result)), deleted) for result, deleted in rows]


def _verdict(result):
    [verdict] = [r["value"]["choices"] for r in result if r["from_name"] == "correctness"]
    return verdict[0]


class TestHowManyAreAsked:
    @pytest.mark.parametrize("people", [2, 3])
    def test_the_queue_asks_as_many_people_as_the_settings_say(self, loop, people):
        loop.configure("label_studio", annotators_per_task=people)
        loop.configure("consensus", min_annotators=people)
        loop.pushed(3)
        done = loop.annotate({f"s-{n:03}": VERDICT for n in range(3)})
        assert sum(done.values()) == 3 * people
        loop.run("pull")
        assert loop.states() == dict.fromkeys(("s-000", "s-001", "s-002"), "agreed")
        assert {one["annotators"] for one in loop.json("consensus")} == {people}

    def test_a_sample_waits_until_enough_people_have_answered(self, loop):
        loop.configure("consensus", min_annotators=3)
        task = loop.pushed(1)["s-000"]
        states = []
        for person in (0, 1, 2):
            loop.answer(person, task)
            loop.run("pull")
            states.append(loop.states()["s-000"])
        assert states == ["waiting", "waiting", "agreed"]

    def test_two_against_one_is_decided_and_one_against_one_is_disputed(self, loop):
        task = loop.pushed(1)["s-000"]
        loop.answer(0, task)
        loop.answer(1, task, WRONG)
        loop.run("pull")
        assert labels(loop, "s-000")["state"] == "disputed"
        assert labels(loop, "s-000")["disputed"] == ["correctness"]
        loop.answer(2, task, WRONG)
        loop.run("pull")
        assert labels(loop, "s-000")["state"] == "agreed"
        assert labels(loop, "s-000")["labels"]["correctness"] == "incorrect"


def test_several_annotations_by_one_person_count_once_the_latest(loop):
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task, WRONG)
    loop.answer(0, task, VERDICT)
    loop.run("pull")
    assert labels(loop, "s-000")["annotators"] == 1
    assert loop.states() == {"s-000": "waiting"}
    loop.answer(1, task, VERDICT)
    loop.run("pull")
    assert labels(loop, "s-000")["labels"]["correctness"] == "correct"


def test_a_skip_is_counted_and_never_voted(loop):
    task = loop.pushed(1)["s-000"]
    loop.answer(0, task)
    loop.answer(1, task, WRONG, was_cancelled=True)
    loop.run("pull")
    found = labels(loop, "s-000")
    assert (found["state"], found["annotators"], found["skips"]) == ("waiting", 1, 1)
    status = loop.json("status")
    assert (status["annotations"], status["skips"]) == (1, 1)
    assert sorted(skips for _, _, skips, _ in status["annotators"]) == [0, 1]
    assert "1 skips" in loop.run("status").stdout


def test_a_person_who_skipped_and_then_answered_counts_as_one_who_answered(loop):
    task = loop.pushed(1)["s-000"]
    skipped = loop.answer(0, task, was_cancelled=True)
    loop.run("pull")
    loop.api(loop.server.annotators[0]).patch(
        f"/api/annotations/{skipped}/", json={"was_cancelled": False}
    )
    loop.run("pull")
    found = labels(loop, "s-000")
    assert (found["annotators"], found["skips"]) == (1, 0)


class TestWhatAnIncrementalPullSees:
    @pytest.fixture
    def agreed(self, loop, no_overlap):
        """Three samples, the first agreed on by two people and pulled; (loop, task, ids)."""
        tasks = loop.pushed(3)
        ids = [loop.answer(person, tasks["s-000"]) for person in (0, 1)]
        loop.run("pull")
        assert loop.states() == {"s-000": "agreed"}
        return loop, tasks["s-000"], ids

    def test_a_changed_annotation_and_its_old_form_stays_in_the_history(self, agreed):
        loop, _, ids = agreed
        result = json.dumps(loop.tasks_there()[0]["annotations"][0]["result"])
        other = json.loads(result.replace('"correct"', '"incorrect"'))
        loop.api().patch(f"/api/annotations/{ids[0]}/", json={"result": other})
        assert loop.json("pull")["changed"] == ["s-000"]
        assert loop.states() == {"s-000": "disputed"}
        assert history(loop, ids[0]) == [("correct", None)]

    def test_a_deleted_annotation_and_its_old_form_stays_in_the_history(self, agreed):
        loop, _, ids = agreed
        loop.api().delete(f"/api/annotations/{ids[1]}/")
        assert loop.json("pull")["changed"] == ["s-000"]
        assert loop.states() == {"s-000": "waiting"}
        assert history(loop, ids[1]) == [("correct", None)]
        assert loop.json("status")["deleted"] == 1

    def test_annotations_deleted_in_bulk_in_the_data_manager(self, agreed):
        loop, task, _ = agreed
        loop.api().post(
            "/api/dm/actions",
            params={"id": "delete_tasks_annotations", "project": loop.project_id},
            json={"selectedItems": {"all": False, "included": [task]}},
        )
        assert loop.json("pull")["changed"] == ["s-000"]
        assert loop.states() == {"s-000": "waiting"}

    def test_no_more_than_what_changed(self, agreed):
        loop, _, _ = agreed
        assert loop.json("pull", "--full")["tasks"] == 3
        quiet = loop.json("pull")
        assert (quiet["tasks"], quiet["changed"]) == (0, [])
        loop.answer(2, loop.task_ids()["s-002"])
        again = loop.json("pull")
        assert (again["tasks"], again["changed"]) == (1, ["s-002"])


def test_pulling_again_changes_nothing(loop):
    tasks = loop.pushed(3)
    for task in tasks.values():
        loop.answer(0, task)
    assert loop.json("pull")["changed"] == sorted(tasks)
    before = loop.rows("SELECT * FROM annotations ORDER BY 1")
    for arguments in (("pull",), ("pull", "--full"), ("pull",)):
        assert loop.json(*arguments)["changed"] == []
    assert loop.rows("SELECT * FROM annotations ORDER BY 1") == before
    assert loop.rows("SELECT * FROM annotation_history") == []


class TestTasksThatGoAndCome:
    def test_a_full_pull_notices_a_deleted_task_and_its_answers_stand(self, loop):
        tasks = loop.pushed(2)
        for person in (0, 1):
            loop.answer(person, tasks["s-000"])
        loop.run("pull")
        loop.api().delete(f"/api/tasks/{tasks['s-000']}/")
        assert loop.json("pull", "--full")["deleted"] == 1
        assert loop.json("status")["tasks"] == {"deleted": 1, "delivered": 1}
        loop.run("consensus")
        assert loop.states() == {"s-000": "agreed"}
        assert loop.json("commit")["items"] == 1

    def test_a_deleted_task_is_not_sent_again(self, loop):
        tasks = loop.pushed(2)
        loop.api().delete(f"/api/tasks/{tasks['s-000']}/")
        loop.run("pull", "--full")
        assert loop.json("push")["sent"] == 0
        assert loop.samples_there() == ["s-001"]

    def test_a_task_made_by_hand_is_counted_and_left_alone(self, loop):
        loop.pushed(1)
        data = {**loop.tasks_there()[0]["data"], "sample_id": "s-000"}
        made = loop.api().post("/api/tasks/", json={"project": loop.project_id, "data": data})
        loop.answer(0, made.json()["id"])
        pulled = loop.json("pull", "--full")
        assert (pulled["tasks"], pulled["foreign"], pulled["doubles_removed"]) == (1, 1, 0)
        assert pulled["changed"] == []
        assert len(loop.tasks_there()) == 2
        assert loop.json("pull")["foreign"] == 1


JUNK = (
    [{"from_name": "nobody", "to_name": "trace", "type": "choices", "value": {"choices": ["a"]}}],
    [{"from_name": "correctness", "type": "choices", "value": {"choices": ["splendid"]}}],
    [{"from_name": "correctness", "type": "rating", "value": {"rating": 4}}],
    [{"value": "?"}, {}, {"from_name": ["correctness"], "value": None}],
    [],
)


def test_annotations_of_junk_do_no_harm(loop):
    tasks = loop.pushed(len(JUNK))
    for junk, task in zip(JUNK, tasks.values(), strict=True):
        loop.person(2).create_annotation(task, {"result": junk})
        for person in (0, 1):
            loop.answer(person, task)
    loop.run("pull")
    for sample_id in tasks:
        found = labels(loop, sample_id)
        assert (found["state"], found["labels"]["correctness"]) == ("agreed", "correct")
    assert loop.json("commit")["items"] == len(JUNK)


class TestAgreementBrokenDown:
    @pytest.fixture
    def labelled(self, loop):
        """Four samples from two rounds; two people disagree on the first alone."""
        loop.configure("label_studio", annotators_per_task=2)
        loop.write("cases.jsonl", [case(n) for n in range(4)])
        loop.run("import", str(loop.folder / "cases.jsonl"))
        for _ in range(2):
            loop.run("push", "--batch-size", "2")
        for sample_id, task in sorted(loop.task_ids().items()):
            loop.answer(0, task)
            loop.answer(1, task, WRONG if sample_id == "s-000" else VERDICT)
        loop.run("pull")
        return loop

    def test_every_slice_has_its_own_agreement(self, labelled):
        expected = {
            "tag": {"orders": (4, 0.75), "refunds": (2, 0.5)},
            "difficulty": {"easy": (2, 0.5), "hard": (1, 1.0)},
            "source": {"trace": (4, 0.75)},
            "round": {"1": (2, 0.5), "2": (2, 1.0)},
            "cluster": {"a": (2, 0.5), "b": (1, 1.0)},
        }
        for by, slices in expected.items():
            found = {
                one["slice"]: (one["tasks"], one["percent"]["value"])
                for one in labelled.json("agreement", "--by", by)
                if one["field"] == "correctness"
            }
            assert list(found.items()) == list(slices.items())

    def test_the_table_names_the_slices_and_says_what_is_in_none(self, labelled):
        shown = labelled.run("agreement", "--by", "difficulty")
        assert "easy" in shown.stdout
        assert "hard" in shown.stdout
        assert "1 samples have no difficulty and are left out" in shown.stderr
        assert "difficulty easy, correctness: few tasks" in shown.stderr

    def test_over_time_the_tasks_stand_in_the_order_of_their_last_answers(self, labelled):
        found = [
            one
            for one in labelled.json("agreement", "--over-time", "--periods", "4")
            if one["field"] == "correctness"
        ]
        assert [one["percent"]["value"] for one in found] == [0.0, 1.0, 1.0, 1.0]
        assert [one["start"] for one in found] == sorted(one["end"] for one in found)
        halves = labelled.json("agreement", "--over-time", "--periods", "2")
        assert [one["tasks"] for one in halves if one["field"] == "correctness"] == [2, 2]
        shown = labelled.run("agreement", "--over-time").stdout
        assert found[0]["start"][:16].replace("T", " ") in shown

    @pytest.mark.parametrize(
        "options",
        [
            ("--pairs", "--by", "tag"),
            ("--pairs", "--over-time"),
            ("--by", "tag", "--over-time"),
            ("--periods", "3"),
            ("--by", "colour"),
            ("--over-time", "--periods", "0"),
        ],
    )
    def test_options_that_do_not_go_together_are_refused(self, loop, options):
        refused = loop.run("agreement", *options, exit_code=2)
        assert refused.stderr.startswith("Usage: ")
        assert refused.stdout == ""

    def test_before_anybody_answered_there_is_nothing_to_show(self, loop):
        for options in ((), ("--by", "tag"), ("--over-time",), ("--pairs",)):
            assert loop.json("agreement", *options) == []
            assert loop.run("agreement", *options).stdout.strip()


def case(number):
    """A sample of a slice or two; the last has no difficulty and no cluster."""
    made = sample(number, 4)
    made["tags"] = ["orders", "refunds"] if number % 2 == 0 else ["orders"]
    made["source"] = "trace"
    made["difficulty"] = ["easy", "easy", "hard", None][number]
    made["cluster_id"] = ["a", "a", "b", None][number]
    return {key: value for key, value in made.items() if value is not None}


class TestWhatIsSaidOfAnAnnotator:
    @pytest.fixture
    def labelled(self, loop):
        """Three people on 20 samples; the third says incorrect on the last 10."""
        loop.configure("label_studio", annotators_per_task=3)
        loop.configure("consensus", gold_fields=["correctness"])
        for number, task in enumerate(loop.pushed(20).values()):
            loop.answer(0, task)
            loop.answer(1, task)
            loop.answer(2, task, VERDICT if number < 10 else WRONG, lead_time=0.5 + number)
        loop.run("pull")
        return loop

    @pytest.fixture
    def third(self, labelled):
        """The third person's id."""
        return labelled.server.annotators[2].user_id

    def test_confusion_bias_and_drift_of_one_person(self, labelled, third):
        found = labelled.json("annotators", str(third))
        assert (found["annotator_id"], found["with_others"], found["compared"]) == (third, 0.5, 20)
        [errors] = found["fields"]
        [confusion] = errors["confusions"]
        assert (errors["field"], confusion["option"]) == ("correctness", None)
        assert confusion["options"] == ["correct", "partially_correct", "incorrect"]
        assert confusion["counts"] == [[10, 0, 10], [0, 0, 0], [0, 0, 0]]
        assert {b["option"]: b["difference"] for b in errors["biases"]} == {
            "correct": -0.5,
            "partially_correct": 0.0,
            "incorrect": 0.5,
        }
        drift = found["drift"]
        assert [period["share"] for period in drift["periods"]] == [1.0, 0.0]
        assert (drift["change"], drift["drifted"]) == (-1.0, True)
        # Lead times 0.5 to 4.5 are under five seconds; the few words take no longer to read.
        assert found["hasty"] == 5
        everybody = labelled.json("annotators")
        assert found in everybody
        # Where the third is apart, the others of the first are split: ten tasks tell no drift.
        others = [(one["compared"], one["drift"]["drifted"]) for one in everybody if one != found]
        assert others == [(10, None)] * 2

    def test_the_tables_show_what_the_json_says(self, labelled, third):
        table = labelled.run("annotators").stdout
        assert "drifted" in table
        assert "-1.000" in table
        shown = labelled.run("annotators", str(third))
        for part in ("correctness: the reference (rows)", "says it more often by", "-0.500"):
            assert part in shown.stdout
        assert "later half less earlier half: -1.000" in shown.stdout
        assert shown.stdout.rstrip().endswith(": drifted")
        # Ten compared tasks of each of the other two tell nothing: only one was looked at.
        assert "drift was looked for" not in shown.stderr


class TestWhoIsMeant:
    @pytest.fixture
    def labelled(self, loop):
        """Three people answered one sample."""
        task = loop.pushed(1)["s-000"]
        for person in range(3):
            loop.answer(person, task)
        loop.run("pull")
        return loop

    @pytest.fixture
    def third(self, labelled):
        """The third person's id."""
        return labelled.server.annotators[2].user_id

    def test_a_person_is_found_by_name_address_and_id_in_any_case(self, labelled, third):
        account = labelled.server.annotators[2]
        name = labelled.json("annotators", str(third))["name"]
        for who in (name.upper(), account.email.upper(), f" {third} "):
            assert labelled.json("annotators", who)["annotator_id"] == third

    def test_nobody_of_that_name_is_answered_with_who_there_is(self, labelled):
        line = labelled.refused("annotators", "Nobody\x1b[31m", exit_code=2)
        assert "there is no annotator 'Nobody [31m'; there are: " in line
        assert all(str(account.user_id) in line for account in labelled.server.annotators)

    def test_two_people_of_one_name_are_told_apart_by_id(self, labelled):
        ids = [account.user_id for account in labelled.server.annotators[:2]]
        rename(labelled, dict.fromkeys(ids, "Sam"))
        line = labelled.refused("annotators", "sam", exit_code=2)
        assert f"2 annotators are called 'sam'; give an id: Sam ({ids[0]}), Sam ({ids[1]})" in line
        assert labelled.json("annotators", str(ids[1]))["annotator_id"] == ids[1]

    def test_a_name_that_is_the_id_of_another_finds_the_other(self, labelled, third):
        first = labelled.server.annotators[0].user_id
        rename(labelled, {first: str(third)})
        assert labelled.json("annotators", str(third))["annotator_id"] == third

    def test_a_hostile_name_reaches_no_terminal(self, labelled, third):
        rename(labelled, {third: "Eve\x1b[2J\x9b31m\r\x07[red]x[/red]"})
        outputs = [
            labelled.run("annotators"),
            labelled.run("annotators", str(third)),
            labelled.run("annotators", "eve [2j 31m  [red]x[/red]"),
            labelled.run("annotators", "nobody", exit_code=2),
            labelled.run("agreement", "--pairs"),
        ]
        for output in outputs:
            text = output.stdout + output.stderr
            assert "[red]x[/red]" in text
            assert not set(text) & set("\x1b\x9b\r\x07")


def rename(loop, names):
    """Give people names, as a pull would that found them in Label Studio."""
    with loop.store() as db:
        save_annotators(
            db, [(number, f"{number}@example.org", name) for number, name in names.items()]
        )


class TestHasteIsToldByWhatThereIsToRead:
    def test_a_long_answer_read_in_six_seconds_is_hasty(self, loop):
        long = {**sample(0, 2), "user_input": "a word " * 40}  # 80 words take eight seconds
        loop.run("import", str(loop.write("two.jsonl", [long, sample(1, 2)])))
        loop.run("push", "--batch-size", "2")
        for task in loop.task_ids().values():
            loop.answer(0, task, lead_time=6.0)
        loop.run("pull")
        [one] = loop.json("annotators")
        assert (one["answers"], one["hasty"]) == (2, 1)


def test_before_anybody_answered_there_is_no_annotator(loop):
    assert loop.json("annotators") == []
    assert "nobody has answered yet" in loop.run("annotators").stdout
    assert "nobody has answered yet" in loop.refused("annotators", "Ann", exit_code=2)
