"""`python docs/reference.py` writes the reference pages that are made from the code: settings, the
store's tables, and the HTTP surface.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.db import Table

from backend.openapi import description
from goldloop.settings import PRICES_VARIABLE, SECRETS, SECTIONS, Secrets, Settings
from store.migrations import migrations

FOLDER = Path(__file__).parent
_ASKED = {
    "credentials": "user and password",
    "webhookSecret": "the webhook's secret",
}
# What each table and view of the store is for.
TABLES = {
    "annotation_history": "Every earlier form of an annotation that somebody changed or deleted.",
    "annotations": "What people answered, raw, in its newest form.",
    "annotators": "The people of Label Studio who answered.",
    "calibrators": "What labels taught about an agent version's confidence.",
    "consensus": "Where each sample stands: waiting, agreed, disputed, ambiguous or adjudicated.",
    "cursors": "How far pulls and other repeated work have come.",
    "evaluation_attempts": "What the agent did on a case, once for each run of it.",
    "evaluation_cases": "The cases of an evaluation, copied from the version's folder.",
    "evaluation_grades": "What each grader said of each attempt.",
    "evaluations": "One row for each `goldloop evaluate`; never changed once it is finished.",
    "field_consensus": "The label of each question of a sample, its method and how sure it is.",
    "field_models": "What was learned of how the annotators of a question err.",
    "further_annotators": "Tasks that were given to one more annotator, because people disagreed.",
    "gate_review_answers": "What people said of flipped cases, in every form.",
    "gate_review_projects": "The project in Label Studio in which they said it.",
    "gate_review_tasks": "The flipped cases as they were shown.",
    "gates": "The verdicts of `goldloop gate`; never changed.",
    "gold_checks": "Settled tasks that somebody is asked again, to see how good the answers are.",
    "inbox": "What Label Studio's webhook told, until the worker has followed it up.",
    "label_studio_projects": "The projects of the review and of the experts.",
    "near_duplicates": "What a round left out because a sample like it was there.",
    "picks": "The samples that a round picked, with reason, rank and inclusion probability.",
    "project": "Facts of the project: its id and the secret of its random numbers.",
    "refreshed_predictions": "New scores that were sent to tasks already in Label Studio.",
    "replaced_runs": "What failed runs had cost that gave way to another try.",
    "returned_answers": "Answers of experts that went back to the review's tasks as ground truth.",
    "round_columns": "The scores of every sample that a round looked at, as arrays.",
    "rounds": "Selections: the design, its settings and what was made of it; never changed.",
    "runs": "What an agent version did on a sample; one row for each of both.",
    "samples": "The cases, with their permanent random numbers.",
    "sampling_frames": "The ids of the samples that a round looked at.",
    "spot_check_answers": "What people said of generated samples, in every form.",
    "spot_check_projects": "The project in Label Studio in which they said it.",
    "spot_check_tasks": "The generated samples that were shown to people.",
    "spot_checks": "The check of each generated batch, and its decision.",
    "stale_samples": "Samples whose consensus has to be worked out again.",
    "synthesis_batches": "Generated batches: what was asked for, and their state.",
    "synthesis_calls": "Every call of a model that a batch paid for, with its reply.",
    "synthesis_candidates": "Every try at each sample of a batch, and what became of it.",
    "tasks": "Which sample became which task of Label Studio.",
    "wanted_runs": "Runs that the ML backend owes, and who is at them.",
    "check_answers": "The answers to gold checks: they do not vote.",
    "review_annotations": "The annotations of the review's project.",
    "votes": "The annotations that count for consensus.",
    "waiting_hints": "What is in the inbox and not followed up yet.",
}
_MADE = "Made by `make docs` from the program itself."


def settings_page() -> str:
    """Every setting with its meaning, default and environment variable, and every secret."""
    return _page(
        "Settings",
        "They stand in `goldloop.toml`; `goldloop init` writes it with all of them commented out."
        " Each is overridden by its environment variable, also from `.env`. Secrets come from the"
        " environment or `.env` alone.",
        *(_section(name, cls) for name, cls in SECTIONS.items()),
        "## [prices]\n\nUS dollars for a million input and output tokens, by model or agent"
        f' version: `"model-7" = [0.15, 0.60]`; as JSON in `{PRICES_VARIABLE}`.\n',
        "## Secrets\n\n"
        + _table(("variable", "what it is"), ((f"`{n}`", says) for n, says in SECRETS.values())),
    )


def _section(name: str, cls: type[Any]) -> str:
    rows = (
        (
            f"`{item.name}`",
            f"`{json.dumps(item.default)}`",
            item.metadata["says"],
            f"`GOLDLOOP_{name}_{item.name}`".upper(),
        )
        for item in fields(cls)
    )
    about = " ".join((cls.__doc__ or "").split())
    headings = ("setting", "default", "meaning", "variable")
    return f"## [{name}]\n\n{about}\n\n{_table(headings, rows)}"


def store_page() -> str:
    """Every table and view of the store, with the keys between them."""
    db = Database(memory=True)
    migrations.apply(db)
    tables = [
        db.table(name) for name in sorted(db.table_names()) if not name.startswith(("_", "sqlite"))
    ]
    views = "\n".join(f"- `{name}`: {TABLES[name]}" for name in sorted(db.view_names()))
    return _page(
        "The store",
        "One SQLite file, `[store] path` of `goldloop.toml`; open it with Datasette or any client."
        " Only Goldloop should write it. Texts that end in JSON hold JSON; times are ISO 8601.",
        *map(_store_table, tables),
        f"## Views\n\n{views}\n",
    )


def _store_table(table: Table) -> str:
    keys = {key.column: f"{key.other_table}.{key.other_column}" for key in table.foreign_keys}
    rows = (
        (
            f"`{column.name}`",
            column.type,
            "yes" if column.is_pk else "",
            "" if column.notnull or column.is_pk else "may be null",
            f"`{keys[column.name]}`" if column.name in keys else "",
        )
        for column in table.columns
    )
    headings = ("column", "type", "key", "", "refers to")
    return f"## {table.name}\n\n{TABLES[table.name]}\n\n{_table(headings, rows)}"


def http_page() -> str:
    """Every path of the ML backend, as its OpenAPI description has it."""
    # Any will do: the page says what is asked for where they are set.
    secrets = Secrets(backend_user="a", backend_password="b", webhook_secret="c" * 32)  # noqa: S106
    paths = description(Settings(secrets=secrets))["paths"]
    rows = (
        (f"`{method.upper()} {path}`", operation["summary"], _asks(operation), _answers(operation))
        for path, methods in paths.items()
        for method, operation in methods.items()
    )
    return _page(
        "HTTP surface",
        "What `goldloop serve` and `goldloop backend` answer. The backend itself describes it at"
        " `/openapi.json`. Beside it are the dashboard's pages under `/dashboard/`, for people,"
        " which ask for the user and password too. Where `GOLDLOOP_BACKEND_PASSWORD` is not set,"
        " the backend listens on this machine alone and asks for none; where"
        " `GOLDLOOP_WEBHOOK_SECRET` is not set, no event is believed. A wrong password or secret is"
        " answered with 401, and so is none where nothing else is said.",
        _table(("request", "what it is for", "asks for", "answers"), rows),
    )


def _asks(operation: Mapping[str, Any]) -> str:
    """What a request has to show, in words; an empty alternative means that it may show nothing."""
    asked = operation.get("security", [{}])
    words = [_ASKED[name] for each in asked for name in each]
    return (", ".join(words) or "nothing") + (", or nothing" if words and {} in asked else "")


def _answers(operation: Mapping[str, Any]) -> str:
    return ", ".join(sorted(str(code) for code in operation["responses"]))


def _page(title: str, about: str, *parts: str) -> str:
    return "\n".join([f"# {title}\n\n{_MADE}\n\n{about}\n", *parts]).rstrip() + "\n"


def _table(headings: tuple[str, ...], rows: Iterator[tuple[str, ...]] | Any) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text)


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "store.md": store_page,
    "http.md": http_page,
}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
