"""`python docs/file_formats.py` writes docs/files.md: every file that is read or written, from the
the code that does so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import views.version_folder
from goldloop.evaluation import Attempt, Case, Evaluation, GraderFacts, JudgeCheck
from goldloop.evaluation.flips import Flip
from goldloop.evaluation.paired import Paired
from goldloop.evaluation.power import Power
from goldloop.evaluation.values import SCHEMA
from goldloop.evaluation.verdict import CaseError, GraderChange, Side, SliceChange
from goldloop.graders.grader import Grade, Grader
from goldloop.graders.kinds import read_grader
from goldloop.item_schema import item_schema
from goldloop.samples import DIFFICULTIES, ROLES, SOURCES, STOP_REASONS, Run, Sample, ToolCall
from goldloop.synthesis.task import DEFAULTS, NO_TOOL, Task
from goldloop.synthesis.values import AXES
from sync.exports.case import facts, origin
from sync.exports.table import AFTER_LABELS, BEFORE_LABELS

PAGE = Path(__file__).with_name("files.md")
# What a grader of each kind cannot do without.
_LEAST: Mapping[str, Mapping[str, Any]] = {
    "tool_calls": {},
    "contains": {"values": ["..."]},
    "exact": {},
    "regex": {"pattern": "..."},
    "json_schema": {"schema": {}},
    "judge": {"criteria": ["..."]},
    "judge_pair": {},
    "python": {"target": "module:function"},
}
_ON = (
    "where it looks: `response` (what the agent said last), `said` (all that it said), or `trace` "
    "(its calls and the tools' answers too)"
)
# What each setting of each kind of grader means.
_MEANS: Mapping[str, Mapping[str, str]] = {
    "tool_calls": {
        "mode": (
            "`unordered`, `strict` (in the expected order), `subset` (all that was called is "
            "expected) or `superset` (all that is expected was called)"
        ),
        "arguments": (
            "how arguments are compared: `exact`, `ignore`, `subset` (all that were given are "
            "expected) or `superset` (all that are expected were given)"
        ),
        "by_tool": 'the same for single tools: `{refund_order = "subset"}`; `*` is every tool',
        "ignore_arguments": (
            'arguments that are not compared, by tool: `{refund_order = ["note"]}`; a list is for '
            "every tool; `flights.date` is a nested one"
        ),
        "any_of": (
            "acceptable values of an argument, by tool: "
            '`{refund_order = {reason = ["late", ""]}}`; `""` where it may be left out'
        ),
        "tolerance": (
            "how far numbers may be apart: a number, or `{absolute = 0.01, relative = 0.001}`"
        ),
        "text": "`loose`: case, spaces and some punctuation of texts make no difference",
        "only_tools": "compare the calls of these tools alone",
        "ignore_tools": "leave the calls of these tools out",
        "ignore_failed": "a call that a tool refused is not one too many",
        "partial": (
            "the score of what is not all right: `f1` of the calls that match, or `none` (0)"
        ),
    },
    "contains": {
        "values": "the texts; not needed with `from_metadata`",
        "from_metadata": "the key of the case's metadata that holds the texts",
        "mode": "`all`, `any` or `none` of them have to be there",
        "ignore_case": "upper and lower case are the same",
        "ignore_characters": 'characters that are taken out of both first, such as `",-"`',
        "on": _ON,
    },
    "exact": {
        "value": "the text; empty: the case's expected response",
        "normalise": "case, white space and the width of characters make no difference",
        "tolerance": "read both as numbers, and let them be so far apart",
    },
    "regex": {
        "pattern": "the regular expression",
        "mode": "`search` (it is found), `match` (it is the whole) or `none` (it is not found)",
        "on": _ON,
        "ignore_case": "upper and lower case are the same",
        "multiline": "`^` and `$` are the ends of lines",
        "dotall": "`.` is also a line's end",
    },
    "json_schema": {
        "schema": "the JSON schema that the response has to fit",
        "fenced": "the JSON may stand in a fenced block (```` ```json ````) of the response",
    },
    "judge": {
        "model": "who is asked; empty: `[evaluation] judge`",
        "criteria": "1 to 20 sentences that are true or false of a run",
        "reference": "show it the expected response, and grade only cases that have one",
        "show_trace": "show it the calls and the tools' answers, not the response alone",
    },
    "judge_pair": {
        "model": "who is asked; empty: `[evaluation] judge`",
        "criteria": "what makes a response the better one, in a sentence or two",
        "against": "what the response is compared with: the expected one",
    },
    "python": {
        "target": (
            "the function: it gets the case and the run as plain values, and gives true or false, "
            'a number from 0 to 1, or `{"score": ..., "reason": ...}`'
        ),
    },
}
# What an export says of an item, in the metadata of most formats and in columns of tables.
_EXPORTED: Mapping[str, str] = {
    "sample_id": "the sample",
    "expected_response": "what a right answer says, or null",
    "expected_tool_calls": "what a right run calls: null where nobody said, empty for no call",
    "labels": "the labels that stand, by question",
    "difficulty": "easy, medium, hard or null",
    "tags": "its tags",
    "slices": "the same as `tag:refund`, `difficulty:hard`",
    "source": "synthetic, trace or manual",
    "cluster_id": "what it shares with samples that are not independent of it",
    "inclusion_probability": "the chance that it had to be picked; null outside of any round",
    "weight": "1 / that chance: how many samples of the pool it stands for",
    "selection_reason": "uncertain, novel, random, or manual",
    "selection_round": "the round that picked it",
    "state": "agreed, adjudicated, or unverified where nobody labelled it",
    "verified_by": "`annotators`, `spot_check`, both or neither: who stands behind it",
    "agreement_rate": "the share of its questions on which all annotators agree",
    "annotators": "how many answered",
    "disputed_fields": "questions without a label that stands",
    "dataset": "the dataset's name",
    "version": "its version",
    "content_fingerprint": "what is asked and expected, as a hash",
    "labels_fingerprint": "the labels, as a hash",
    "metadata": "the sample's own metadata",
}
# What `goldloop gate -o gate.json` says beside the classes that it is made of.
_GATE_PARTS = (
    "baseline and candidate",
    "paired",
    "power",
    "A slice",
    "A grader in a gate",
    "A case that flipped",
    "A case without an outcome",
)
_GATE: Mapping[str, str] = {
    "schema": "the version of this form",
    "status": "pass, inconclusive, regression, errors or no_evidence",
    "sentence": "the verdict in one line",
    "rules": "the settings of `[gate]` that were in force",
    "baseline": "the evaluation that is compared with",
    "candidate": "the evaluation that is compared",
    "paired": "the comparison, case by case; null where no case is left",
    "with_unproven": "the same with judges that are not proven; null where there are none",
    "power": "what the gate could have seen; null where nothing was compared",
    "slices": "each slice by itself",
    "graders": "each grader by itself",
    "flips": "the cases that changed, with both outputs and the graders' reasons",
    "errors": "the cases that came to nothing, with the side and the error",
    "notes": "sentences that say what was done",
    "without": "the names of the judges that do not count because they are not proven",
    "gate_id": "its number in the store; null where it is not kept",
    "exit_code": "0 to merge, 1 regression, 2 no verdict, 3 too little evidence (`--strict`)",
    "strict": "whether `--strict` was asked for",
    "summaries": "the scores of both, with intervals and slices",
    "resolved": "what the baseline's and the candidate's names were taken for",
}
# What a task file for `goldloop generate` may say.
_TASK: Mapping[str, str] = {
    "description": "what the agent is there for; required",
    "policy": "the rules that it follows; or `policy_file`, a text beside the task file",
    "language": "the language or languages of what users write",
    "axes": "the values on each axis, as a list, or as a table of weights",
    "exclude": "tables of axes and values that are never asked for together",
}
# Words of the code, as they are in a file.
_WORDS = {
    "None": "null",
    "`STOP_REASONS`": "those below",
    "the `CELLS`": "four counts by who says pass and who says fail",
    ", and `estimates` holds what each estimator of confidence said, by its name and in [0, 1]": "",
    "; the `spent` ones are of everything that was asked for it, its confidence included": "",
}
# These keys are worked out, not read.
_MADE = {"estimates", "spent_input_tokens", "spent_output_tokens"}


def files_page() -> str:
    """The page: samples and runs, graders, versions, evaluations, judges."""
    return "\n".join(
        [
            "# File formats\n\nMade by `make docs` from the program itself. Texts are UTF-8; JSON "
            "Lines has one object a line. A key that is not known is refused, so that a slip of "
            "the pen is no silent default; only recorded chats may have more.\n",
            *_samples(),
            *_graders(),
            *_versions(),
            *_evaluations(),
            *_gate(),
            *_exports(),
            *_asked_for(),
        ]
    )


def _samples() -> Iterable[str]:
    yield "## Samples and runs\n\n`goldloop import` reads them: JSON Lines, or a JSON array.\n"
    yield f"### A sample\n\n{_shape(Sample, sample_id='made of the content')}"
    yield (
        f"`difficulty` is one of {_listed(DIFFICULTIES)}, `source` one of {_listed(SOURCES)}. "
        "`user_input` may also be the last turn of `conversation`. Under `run` stands what the "
        "agent did:\n"
    )
    recorded = _shape(Run, {"sample_id", *_MADE}, agent_version='`"recorded"`')
    yield f"### A run\n\n{recorded}"
    yield (
        "`messages` are OpenAI's chat messages, with the roles "
        f"{_listed(ROLES)}; a tool call may be OpenAI's, or:\n\n{_shape(ToolCall)}\n"
        f"`stop_reason` is one of {_listed(STOP_REASONS)}.\n"
    )
    yield (
        "### Recorded chats\n\nA line with `messages` and without `user_input` is a recorded "
        "conversation: what comes before the agent's first turn becomes the sample, the rest a "
        "run by `agent_version`, or else `model`. tau-bench's trajectories are read as they are.\n"
    )


def _graders() -> Iterable[str]:
    yield (
        "## graders.toml\n\nOr the same as JSON. `pass_score` at the top, if it is given, is the "
        "weighted mean score from which on a case passes; else each of its graders must. Each "
        f"`[[graders]]` has:\n\n{_shape(Grader, {'settings'})}\nand the settings of its kind:\n"
    )
    for kind, least in _LEAST.items():
        grader = read_grader({"name": "one", "kind": kind, **least}, kind)
        rows = (
            (
                f"`{name}`",
                "required" if name in least else f"`{json.dumps(value)}`",
                _MEANS[kind][name],
            )
            for name, value in grader.settings.items()
            if name != "source"
        )
        yield f"### {kind}\n\n{_table(('setting', 'default', 'meaning'), rows)}"


def _versions() -> Iterable[str]:
    layout = (views.version_folder.__doc__ or "").split("\n\n")[1]
    yield f"## A version's folder\n\n```text\n{layout}\n```\n"
    schema = item_schema(())
    rows = ((f"`{name}`", _kind(one)) for name, one in schema["properties"].items())
    yield (
        "Each line of `data.jsonl` has these keys; the `schema.json` beside it says it exactly, "
        f"with the answers that your labelling interface allows.\n\n{_table(('key', 'is'), rows)}"
    )


def _evaluations() -> Iterable[str]:
    yield (
        f'## An evaluation\n\n`goldloop evaluate -o run.json` writes it: `"schema": "{SCHEMA}"` '
        f"and\n\n{_shape(Evaluation)}\n### Its graders\n\n{_shape(GraderFacts)}\n### A case\n\n"
        f"{_shape(Case)}\n### An attempt\n\n{_shape(Attempt)}\n### A grade\n\n{_shape(Grade)}"
    )
    yield (
        "## judges.json\n\n`goldloop judge` writes it beside the versions of a dataset: a list, "
        f"with one entry for each version of a judge.\n\n{_shape(JudgeCheck)}"
    )


def _gate() -> Iterable[str]:
    rows = ((f"`{name}`", says) for name, says in _GATE.items())
    parts = (Side, Paired, Power, SliceChange, GraderChange, Flip, CaseError)
    yield (
        "## gate.json\n\n`goldloop gate -o gate.json` writes it; points are shares, so that 0.02 "
        f"is 2 points.\n\n{_table(('key', 'is'), rows)}"
    )
    for name, cls in zip(_GATE_PARTS, parts, strict=True):
        yield f"### {name}\n\n{_about(cls)}\n\nKeys: {_listed(_keys(cls))}.\n"


def _exports() -> Iterable[str]:
    item = {"sample_id": "one", "labels": {}}
    made = {"dataset": "", "version": "", "fingerprints": {"content": "", "labels": ""}}
    known = facts(item, origin(made))
    rows = ((f"`{name}`", _EXPORTED[name]) for name in known)
    yield (
        "## Exports\n\nWhat `goldloop export` writes is in the form of the tool that it is for. "
        "Beside what is asked, they carry this of an item: in its metadata, or as columns of a "
        "table (`csv`, `parquet`, `huggingface`, `croissant`), which have no "
        f"{_listed(known.keys() - {*BEFORE_LABELS, *AFTER_LABELS})}.\n\n"
        f"{_table(('key', 'is'), rows)}\n`jsonl` has the whole line of `data.jsonl` with "
        "`inclusion_probability`, `weight`, `selection_reason`, `verified_by` and `slices`, and "
        "the version under `goldloop`. Tables also have a column `label_QUESTION` for each "
        "question.\n"
    )


def _asked_for() -> Iterable[str]:
    rows = ((f"`{name}`", _TASK[name]) for name in _names(Task) if name != "tools")
    axes = ((f"`{axis}`", _axis(axis)) for axis in AXES)
    yield (
        "## A task file\n\nFor `goldloop generate --task`: TOML, or a plain text, which is then "
        f"the description.\n\n{_table(('key', 'is'), rows)}\nThe axes:\n\n"
        f"{_table(('axis', 'values, where you give none'), axes)}"
    )
    tool = (
        ("`name`", "the tool's name; required"),
        ("`description`", "what it does"),
        ("`parameters`", "the JSON schema of its arguments"),
    )
    yield (
        "## A tools file\n\nFor `goldloop generate --tools` and `[agent] tools`: a JSON list of "
        "OpenAI's tool definitions, bare or under `function`.\n\n"
        f"{_table(('key', 'is'), tool)}"
    )
    grades = (
        ("`sample_id`", "a sample of the store; each once"),
        ("`correct`", "true or false; or"),
        ("`score`", "a number from 0 to 1"),
    )
    yield (
        "## Grades of another version\n\nFor `goldloop estimate --grades`: JSON Lines, what "
        f"somebody found of that version's own runs.\n\n{_table(('key', 'is'), grades)}"
    )


def _axis(axis: str) -> str:
    if axis == "capability":
        return f"the tools' names, and `{NO_TOOL}`"
    values = DEFAULTS[axis]
    only = "; no others" if axis in ("difficulty", "intent") else ""
    return (_listed(values) if only else f"{len(values)} of Goldloop's own") + only


def _shape(cls: type[Any], without: Iterable[str] = (), **said: str) -> str:
    """A dataclass as it stands in a file: what it is, its keys, and what they are by default."""
    rows = (
        (f"`{one.name}`", said.get(one.name, _default(one)))
        for one in fields(cls)
        if one.name not in {*without}
    )
    return f"{_about(cls)}\n\n{_table(('key', 'default'), rows)}"


def _keys(cls: type[Any]) -> list[str]:
    """The keys of a part of gate.json; a grader's facts stand beside its comparison."""
    nested = _names(GraderFacts) if cls is GraderChange else []
    return nested + [name for name in _names(cls) if name != "facts"]


def _names(cls: type[Any]) -> list[str]:
    return [one.name for one in fields(cls)]


def _about(cls: type[Any]) -> str:
    about = " ".join((cls.__doc__ or "").split())
    for word, plain in _WORDS.items():
        about = about.replace(word, plain)
    return about


def _default(one: Any) -> str:
    if one.default_factory is not MISSING:
        made = one.default_factory()
        return f"`{json.dumps(made)}`" if made == {} else "all"
    if one.default is MISSING:
        return "required"
    return f"`{json.dumps(one.default)}`" if _is_plain(one.default) else "all"


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | tuple)


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value of the schema is, in a word or two."""
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    kind = schema["type"]
    said = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{said}: {schema['description']}" if "description" in schema else said


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(files_page(), encoding="utf-8")
