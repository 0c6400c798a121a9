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
from goldloop.evaluation.values import SCHEMA
from goldloop.graders.grader import Grade, Grader
from goldloop.graders.kinds import read_grader
from goldloop.item_schema import item_schema
from goldloop.samples import DIFFICULTIES, ROLES, SOURCES, STOP_REASONS, Run, Sample, ToolCall

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
            (f"`{name}`", "required" if name in least else f"`{json.dumps(value)}`")
            for name, value in grader.settings.items()
            if name != "source"
        )
        yield f"### {kind}\n\n{_table(('setting', 'default'), rows)}"


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


def _shape(cls: type[Any], without: Iterable[str] = (), **said: str) -> str:
    """A dataclass as it stands in a file: what it is, its keys, and what they are by default."""
    about = " ".join((cls.__doc__ or "").split())
    for word, plain in _WORDS.items():
        about = about.replace(word, plain)
    rows = (
        (f"`{one.name}`", said.get(one.name, _default(one)))
        for one in fields(cls)
        if one.name not in {*without}
    )
    return f"{about}\n\n{_table(('key', 'default'), rows)}"


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


def _table(headings: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [headings, ("---", "---"), *rows]
    return "".join(f"| {left} | {right} |\n" for left, right in lines)


if __name__ == "__main__":
    PAGE.write_text(files_page(), encoding="utf-8")
