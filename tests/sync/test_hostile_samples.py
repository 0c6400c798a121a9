"""Samples from people who mean harm go through as they are, or are refused where they stand."""

from __future__ import annotations

import json

import pytest

from tests.sync.loop import VERDICT

DEEP = 60


def nested(levels):
    value = "bottom"
    for _ in range(levels):
        value = {"x": value}
    return value


HOSTILE = {
    "script": "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "html": "</div></body><h1 style='position:fixed'>x</h1>&lt;b&gt; &amp;amp; <![CDATA[x]]>",
    "megabyte": "long " * 200_000,
    "right-to-left": "مرحبا \u202eevil\u202c שלום \u2066x\u2069",
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 e\u0301 \ufeff \u2028 \u0007 \x1b[31m",
    "template": "{{7*7}} ${7*7} $response <%= 1 %> %s {0} `rm -rf /`",
    "quotes": "'; DROP TABLE samples; -- \" \\ \\u0000 \\n",
    "numbers": "1e400 NaN Infinity -0 00012",
}


def hostile(name, text):
    call = {"name": text[:100], "arguments": {"deep": nested(DEEP - 8), text[:50]: text[:5000]}}
    return {
        "sample_id": f"evil {name} <b>{name}</b> 'quoted\" \\ 100%",
        "user_input": text,
        "conversation": [{"role": "user", "content": text}],
        "expected_response": text,
        "expected_tool_calls": [call],
        "difficulty": "hard",
        "tags": [text[:80]],
        "source": "trace",
        "cluster_id": "c",
        "metadata": {
            text[:60]: text[:1000],
            "": None,
            "sample_id": "another",
            "huge": 10**40,
            "tiny": 1e-300,
            "deep": nested(DEEP - 2),
            "empty": [[], {}, [None]],
        },
        "run": {
            "agent_version": "agent-1",
            "response": text,
            "tool_calls": [call],
            "messages": [
                {"role": "user", "content": text},
                {"role": "assistant", "content": text, "tool_calls": [{**call, "id": "1"}]},
                {"role": "tool", "content": text, "tool_call_id": "1", "name": text[:100]},
                {"role": "assistant", "content": text},
            ],
            "confidence": 0.5,
        },
    }


RECORDS = [hostile(name, text) for name, text in HOSTILE.items()]


@pytest.mark.labelstudio
@pytest.mark.parametrize("form", ["lines", "array"])
def test_hostile_samples_come_back_in_the_export_as_they_were(loop, form):
    path = loop.write("evil.jsonl", RECORDS)
    if form == "array":
        path.write_text(json.dumps(RECORDS, ensure_ascii=False, indent=1))
    assert loop.json("import", str(path))["added"] == len(RECORDS)
    assert loop.json("import", str(path))["unchanged"] == len(RECORDS)
    assert loop.json("push", "--batch-size", "20")["sent"] == len(RECORDS)

    tasks = loop.task_ids()
    assert sorted(tasks) == sorted(record["sample_id"] for record in RECORDS)
    with loop.project.client() as client:
        found = client.find_tasks(loop.project_id, list(tasks))
    assert found == {name: [task] for name, task in tasks.items()}
    for task in tasks.values():
        for person in (0, 1):
            loop.answer(person, task)
    assert len(loop.json("pull")["changed"]) == len(RECORDS)
    loop.run("consensus")
    loop.run("status")
    loop.run("commit")
    target = loop.folder / "golden.jsonl"
    loop.run("export", "-o", str(target))

    lines = target.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    found = {item["sample_id"]: item for item in map(json.loads, lines)}
    for record in RECORDS:
        item = found[record["sample_id"]]
        for key in record.keys() - {"run"}:
            assert item[key] == record[key], (record["sample_id"], key)
        assert item["labels"] == VERDICT
    if form == "lines":
        assert_harmless(loop.tasks_there())


def assert_harmless(tasks):
    """Label Studio shows only the keys in _html as markup, and nothing of ours is in them."""
    for task in tasks:
        for key, value in task["data"].items():
            if key.endswith("_html"):
                assert "<script" not in value
                assert "<img" not in value
                assert "\u202e" not in value


BAD = {
    "NUL": (b'{"user_input": "a\\u0000b"}', "NUL"),
    "lone surrogate": (b'{"user_input": "\\ud800"}', "surrogate"),
    "lone surrogate in a key": (b'{"user_input": "a", "metadata": {"\\udfff": 1}}', "surrogate"),
    "nesting": (json.dumps({"user_input": "a", "metadata": nested(200)}).encode(), "deep"),
    "absurd nesting": (b'{"user_input": "a", "metadata": ' + b"[" * 100_000 + b"}", "deep"),
    "NaN": (b'{"user_input": "a", "metadata": {"x": NaN}}', "nan"),
    "infinity": (b'{"user_input": "a", "metadata": {"x": 1e999}}', "inf"),
    "endless number": (b'{"user_input": "a", "metadata": {"x": ' + b"9" * 5000 + b"}}", "digits"),
    "not UTF-8": (b'{"user_input": "\xff"}', "UTF-8"),
    "half a line": (b'{"user_input": "a"', "JSON"),
    "no object": (b"[1, 2]", "object"),
    "a text": (b'"hello"', "object"),
    "no input": (b'{"sample_id": "x"}', "user_input"),
    "wrong type": (b'{"user_input": 7}', "user_input"),
    "a misspelt key": (b'{"user_input": "a", "expected_respones": "b"}', "expected_respones"),
    "70 MB": (b'{"user_input": "' + b"x" * 70 * 2**20 + b'"}', "64 MB"),
}


class TestBadRecords:
    @pytest.mark.parametrize(("line", "reason"), BAD.values(), ids=BAD.keys())
    def test_are_refused_with_file_and_line_and_nothing_is_half_imported(
        self, offline, line, reason
    ):
        path = offline.folder / "bad.jsonl"
        good = b'{"user_input": "good %d"}'
        path.write_bytes(b"\n".join((good % 1, good % 2, line, good % 3)) + b"\n")
        result = offline.run("import", str(path), exit_code=1)
        said, last = result.stderr.strip().splitlines()
        assert said.startswith(f"{path}:3: ")
        assert reason in said
        assert len(said) < len(str(path)) + 400
        assert "nothing was imported" in last
        assert offline.rows("SELECT count(*) FROM samples") == [(0,)]

        counts = offline.json("import", str(path), "--skip-invalid")
        assert (counts["added"], counts["skipped"]) == (3, 1)
        found = offline.rows("SELECT user_input FROM samples ORDER BY 1")
        assert found == [("good 1",), ("good 2",), ("good 3",)]

    def test_all_of_them_are_named_at_once(self, offline):
        lines = [line for line, _ in BAD.values() if len(line) < 2**20]
        path = offline.folder / "bad.jsonl"
        path.write_bytes(b"\n\n".join(lines))
        result = offline.run("import", str(path), exit_code=1)
        named = [line.removeprefix(f"{path}:").partition(":")[0] for line in _said(result)[:-1]]
        assert named == [str(2 * number + 1) for number in range(len(lines))]
        assert f"{len(lines)} bad records" in _said(result)[-1]

    def test_of_an_array_are_named_by_their_number(self, offline):
        path = offline.folder / "bad.json"
        path.write_text('[{"user_input": "a"}, {"user_input": "\\ud800"}, {"user_input": "b"}]')
        assert _said(offline.run("import", str(path), exit_code=1))[0].startswith(f"{path}[2]: ")
        assert offline.rows("SELECT count(*) FROM samples") == [(0,)]
        assert offline.json("import", str(path), "--skip-invalid")["added"] == 2

    def test_an_array_that_breaks_off_imports_nothing_even_of_what_was_good(self, offline):
        path = offline.folder / "bad.json"
        path.write_text('[{"user_input": "a"}, {"user_input": "b"')
        for options in ((), ("--skip-invalid",)):
            message = offline.refused("import", str(path), *options)
            assert f"{path}[2]: not JSON" in message
        assert offline.rows("SELECT count(*) FROM samples") == [(0,)]

    def test_in_a_second_file_undo_the_first(self, offline):
        good = offline.write("good.jsonl", [{"user_input": "a"}])
        bad = offline.write("bad.jsonl", [{"user_input": ""}])
        offline.run("import", str(good), str(bad), exit_code=1)
        assert offline.rows("SELECT count(*) FROM samples") == [(0,)]

    def test_a_file_that_is_not_there_is_named(self, offline):
        assert "nothing.jsonl" in offline.refused("import", str(offline.folder / "nothing.jsonl"))


def _said(result):
    return result.stderr.strip().splitlines()
