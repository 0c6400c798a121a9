"""What is kept of a fit, so that one task can be decided again without the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from goldloop.consensus.inference import TINY, Inference
from goldloop.consensus.majority_posterior import smoothed_shares
from goldloop.consensus.votes import CodedVotes, Floats
from goldloop.errors import RecordError

Annotator: TypeAlias = int | str
Option: TypeAlias = str | int
STRANGER = -1


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatorModel:
    """A choice field's options, class prior and annotators, as one fit left them.

    W annotators and K options: `confusion` (W, K, K) at [w, true, given], `unknown` (K, K) for an
    annotator who was not there, `weights` (W,), each None where the method has none, as in
    `Inference`. `distrusted` are those whom the method takes for worse than chance. Its size does
    not depend on the number of annotations. The other attributes follow from these.
    """

    method: str
    method_version: int
    reason: str
    options: tuple[Option, ...]
    annotators: tuple[Annotator, ...]
    prior: Floats
    temperature: float = 1.0
    confusion: Floats | None = None
    unknown: Floats | None = None
    weights: Floats | None = None
    distrusted: tuple[Annotator, ...] = ()
    codes: Mapping[Option, int] = field(init=False, repr=False)
    places: Mapping[Annotator, int] = field(init=False, repr=False)
    evidence: Floats | None = field(init=False, repr=False)
    log_prior: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", {name: i for i, name in enumerate(self.options)})
        object.__setattr__(self, "places", {name: i for i, name in enumerate(self.annotators)})
        object.__setattr__(self, "evidence", _evidence(self.confusion, self.unknown))
        object.__setattr__(self, "log_prior", np.log(np.maximum(self.prior, TINY)))

    def to_record(self) -> dict[str, Any]:
        """The model as plain values that JSON keeps exactly."""
        return {
            "method": self.method,
            "method_version": self.method_version,
            "reason": self.reason,
            "options": list(self.options),
            "annotators": list(self.annotators),
            "prior": self.prior.tolist(),
            "temperature": self.temperature,
            "confusion": _listed(self.confusion),
            "unknown": _listed(self.unknown),
            "weights": _listed(self.weights),
            "distrusted": list(self.distrusted),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> AnnotatorModel:
        """The model that `to_record` wrote. Raises RecordError when that is not what it is."""
        try:
            model = cls(
                method=str(record["method"]),
                method_version=int(record["method_version"]),
                reason=str(record["reason"]),
                options=tuple(record["options"]),
                annotators=tuple(record["annotators"]),
                prior=np.array(record["prior"], dtype=np.float64),
                temperature=float(record["temperature"]),
                confusion=_array(record["confusion"]),
                unknown=_array(record["unknown"]),
                weights=_array(record["weights"]),
                distrusted=tuple(record.get("distrusted", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordError(f"a stored annotator model cannot be read: {error!r}") from None
        _check_shapes(model)
        return model


def model_of(inference: Inference, coded: CodedVotes, reason: str) -> AnnotatorModel:
    """What to keep of an inference: the annotators' models, never the tasks.

    Who has a negative id is nobody whom another task will meet again, and is decided as unknown.
    """
    modelled, weighted = inference.unknown is not None, inference.weights is not None
    names: tuple[Annotator, ...] = coded.annotators  # type: ignore[assignment]
    kept = [code for code, who in enumerate(names) if not (isinstance(who, int) and who < 0)]
    suspects = inference.warnings.worse_than_chance if modelled or weighted else ()
    return AnnotatorModel(
        method=inference.method,
        method_version=inference.method_version,
        reason=reason,
        options=coded.options,  # type: ignore[arg-type]
        annotators=tuple(names[code] for code in kept),
        prior=inference.prior,
        temperature=inference.temperature,
        confusion=_rows(inference.confusion if modelled else None, kept),
        unknown=inference.unknown,
        weights=_rows(inference.weights, kept),
        distrusted=tuple(names[code] for code in kept if code in suspects),
    )


def distrust(model: AnnotatorModel, annotators: Iterable[Annotator]) -> tuple[str, ...]:
    """A sentence for each of these annotators whom the model takes for worse than chance."""
    return tuple(
        f"the model takes annotator {who} for worse than chance"
        for who in annotators
        if who in model.distrusted
    )


def update_task(
    model: AnnotatorModel, answers: Mapping[Annotator, Option], gold: Option | None = None
) -> Floats:
    """The posterior over the options, (K,), of one task with these answers.

    One E step of the method with the stored annotators, the same as the full fit's for this task
    to 1e-12; some ten microseconds, whatever the number of annotations. An annotator whom the model
    does not know counts as the pooled one (or with weight 1). No answers give the class prior, or
    the uniform distribution where votes are counted. `gold` puts everything on one option.

    Raises RecordError for an option that the model does not have: fit again.

    >>> model = AnnotatorModel("majority_posterior", 1, "", ("a", "b"), (), np.array([0.5, 0.5]))
    >>> update_task(model, {7: "a", 8: "a"}).round(3).tolist()
    [0.833, 0.167]
    """
    if gold is not None:
        certain = np.zeros(len(model.options))
        certain[_code(model, gold)] = 1.0
        return certain
    given = sorted(
        (model.places.get(who, STRANGER), _code(model, option)) for who, option in answers.items()
    )
    if model.evidence is None:
        return _shares(model, given)
    scores = model.log_prior.copy()
    if given:
        places, codes = zip(*given, strict=True)
        scores += model.temperature * model.evidence[places, codes].sum(axis=0)
    scores -= scores.max()
    np.exp(scores, out=scores)
    scores /= scores.sum()
    return scores


def _evidence(confusion: Floats | None, unknown: Floats | None) -> Floats | None:
    """log confusion, (W + 1, K, K) at [w, given, true], with the stranger's matrix at the end."""
    if confusion is None or unknown is None:
        return None
    matrices = np.concatenate((confusion, unknown[None])).transpose(0, 2, 1)
    logs: Floats = np.log(np.maximum(np.ascontiguousarray(matrices), TINY))
    return logs


def _shares(model: AnnotatorModel, given: list[tuple[int, int]]) -> Floats:
    counts = np.zeros(len(model.options))
    for place, code in given:
        known = model.weights is not None and place != STRANGER
        counts[code] += model.weights[place] if known else 1.0  # type: ignore[index]
    return smoothed_shares(counts)


def _code(model: AnnotatorModel, option: Option) -> int:
    try:
        return model.codes[option]
    except KeyError:
        raise RecordError(
            f"the annotator model does not know the option {str(option)[:80]!r}; fit it again"
        ) from None


def _rows(array: Floats | None, kept: list[int]) -> Floats | None:
    return None if array is None else array[kept]


def _listed(array: Floats | None) -> list[Any] | None:
    return None if array is None else array.tolist()


def _array(values: list[Any] | None) -> Floats | None:
    return None if values is None else np.array(values, dtype=np.float64)


def _check_shapes(model: AnnotatorModel) -> None:
    options, annotators = len(model.options), len(model.annotators)
    expected = {
        "prior": (model.prior, (options,)),
        "confusion": (model.confusion, (annotators, options, options)),
        "unknown": (model.unknown, (options, options)),
        "weights": (model.weights, (annotators,)),
    }
    for name, (array, shape) in expected.items():
        if array is not None and (array.shape != shape or not np.isfinite(array).all()):
            raise RecordError(f"a stored annotator model is damaged: {name} is not {shape} numbers")
