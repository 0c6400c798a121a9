"""The batch that a generation fills: the one left unfinished, or a new one with its grid."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from goldloop.errors import GoldloopError, SettingsError
from goldloop.novelty.texts import Embed
from goldloop.prices import price_of
from goldloop.prn import permanent_random_number
from goldloop.settings import Settings
from goldloop.synthesis.focus import Known, focused
from goldloop.synthesis.grid import fill
from goldloop.synthesis.prompts import PROMPT_VERSION
from goldloop.synthesis.task import Axes, Task
from store.database import Store, project_fact, transaction
from store.runs import named_version
from store.synthesis import (
    FILTERING,
    WRITING,
    NewBatch,
    SyntheticBatch,
    create_batch,
    get_batch,
    list_batches,
    next_batch,
)
from store.synthesis_pool import seed_examples
from sync.project import Project
from sync.rank_pool import embedding
from sync.synthesis_inputs import Asked
from views.estimate import estimate, question_of

# For every one that a prompt shows, so that prompts for one capability do not all show the same.
EXAMPLES_EACH = 5
# In place of a judge's name.
EMBEDDING = "embedding"


def judging_embedding(project: Project) -> Embed | None:
    """What says whether answers mean the same, where `[synthesis] judge` names no model; else None.

    Raises SettingsError where there is no embedding.
    """
    if project.settings.synthesis.judge != EMBEDDING:
        return None
    found = embedding(project)
    if found is None:
        raise SettingsError(
            'goldloop.toml: [synthesis] judge = "embedding" needs one: set [selection] embedding'
        )
    return found


def check_money(settings: Settings, model: str, limit: Decimal | None) -> None:
    """Raise SettingsError where a limit cannot be kept to: without the models' prices, or where an
    answer has no longest length.
    """
    if limit is None:
        return
    judge = settings.synthesis.judge
    for name in (model, model if judge in ("", EMBEDDING) else judge):
        if price_of(settings.prices, name) is None:
            raise SettingsError(
                f'--max-usd needs a price: put "{name}" = [USD per million input tokens, USD per '
                "million output tokens] under [prices] in goldloop.toml"
            )
    if not settings.synthesis.max_output:
        raise SettingsError("--max-usd needs [synthesis] max_output above 0 in goldloop.toml")


def open_batch(
    project: Project, db: Store, asked: Asked, *, new: bool
) -> tuple[SyntheticBatch, bool]:
    """The unfinished batch that was asked for with the same inputs, and True; else a new one.

    Raises SettingsError where a batch is unfinished and other things are asked for, unless `new`.
    """
    unfinished = [one for one in list_batches(db) if one.state in (WRITING, FILTERING)]
    same = [one for one in unfinished if one.inputs == asked.inputs]
    if same and not new:
        return same[-1], True
    if unfinished and not new:
        raise SettingsError(_other_inputs(unfinished[-1], asked))
    with transaction(db):
        return get_batch(db, create_batch(db, new_batch(project, db, asked))), False


def _other_inputs(batch: SyntheticBatch, asked: Asked) -> str:
    keys = [key for key in asked.inputs if asked.inputs[key] != batch.inputs.get(key)]
    return (
        f"batch {batch.batch} is not finished, and was asked for with another "
        f"{', '.join(key.replace('_', ' ') for key in keys)}; go on with it by asking as before,"
        " or leave it and start another with --new"
    )


def new_batch(project: Project, db: Store, asked: Asked) -> NewBatch:
    """The next batch as it will be written down, with its grid and its examples."""
    seed = _seed(db, next_batch(db)) if asked.seed is None else asked.seed
    axes = focused_axes(project, db, asked.task) if asked.focus else asked.task.axes
    slots = fill(replace(asked.task, axes=axes), asked.count, seed)
    price = price_of(project.settings.prices, asked.model)
    shown = project.settings.synthesis.examples * EXAMPLES_EACH
    return NewBatch(
        inputs=asked.inputs,
        slots=slots,
        prompt_version=PROMPT_VERSION,
        model=asked.model,
        seed=seed,
        examples=seed_examples(db, [slot.cell.capability for slot in slots], shown),
        price=None if price is None else (str(price.input), str(price.output)),
        focus=axes if asked.focus else None,
    )


def _seed(db: Store, number: int) -> int:
    """Another one for each batch, and the same for ever."""
    secret = bytes.fromhex(project_fact(db, "secret"))
    return int(permanent_random_number(secret, f"synthesis batch {number}") * 2**31)


def focused_axes(project: Project, db: Store, task: Task) -> Axes:
    """The weights turned towards where the estimate says that the agent fails, or is wide.

    Raises SettingsError where there is no estimate to go by.
    """
    version = named_version(db, project.settings.agent)
    try:
        question = question_of(project, db, None, ())
        found = {
            axis: estimate(db, version, question, by=by).slices
            for axis, by in (("capability", "tag"), ("difficulty", "difficulty"))
        }
    except GoldloopError as error:
        raise SettingsError(
            f"--focus goes by goldloop estimate, and there is none: {error}"
        ) from error
    known = {
        axis: {name: Known(one.value, one.half_width, one.labels) for name, one in slices.items()}
        for axis, slices in found.items()
    }
    return focused(task.axes, known)
