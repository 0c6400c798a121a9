"""The question that says whether the agent was right."""

from __future__ import annotations

from goldloop.errors import SettingsError
from goldloop.fields import FieldKind
from store.database import Store
from views.project import Project, interface_in_use


def right_answers(project: Project, db: Store) -> frozenset[str]:
    """The answers that mean right, once the question and they are found in the interface."""
    settings = project.settings.calibration
    where = f"goldloop.toml: [calibration] field = {settings.field!r}"
    interface = interface_in_use(project, db)
    question = interface.field(settings.field)
    single = [one.name for one in interface.fields if one.kind is FieldKind.SINGLE_CHOICE]
    if question is None or question.kind is not FieldKind.SINGLE_CHOICE:
        raise SettingsError(
            f"{where} must be a single choice of the labelling interface, which has: "
            f"{', '.join(single) or 'none'}"
        )
    unvoted = (*project.settings.consensus.unvoted, project.settings.consensus.confidence_field)
    if settings.field in unvoted:
        raise SettingsError(f"{where} is not voted on (see [consensus]), so no label ever stands")
    right = frozenset(settings.correct)
    unknown = sorted(right - {*question.options})
    if unknown or not right or right >= {*question.options}:
        wrong = (
            f"{unknown[0]!r} is none of them" if unknown else "some, and not all, must mean right"
        )
        raise SettingsError(
            f"goldloop.toml: [calibration] correct must hold answers to {settings.field} "
            f"({', '.join(question.options)}); {wrong}"
        )
    return right
