"""What is kept of a fit, so that one task can be decided again without the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from goldloop.consensus.inference import TINY, Inference, softmax
from goldloop.consensus.majority_posterior import smoothed_shares
from goldloop.consensus.votes import CodedVotes, Floats
from goldloop.errors import RecordError

Annotator: TypeAlias = int | str
Option: TypeAlias = str | int


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatorModel:
    """A choice field's options, class prior and annotators, as one fit left them.

    W annotators and K options: `confusion` (W, K, K) at [w, true, given], `unknown` (K, K) for an
    annotator who was not there, `weights` (W,), each None where the method has none, as in
    `Inference`. Its size does not depend on the number of annotations.
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
    codes: Mapping[Option, int] = field(init=False, repr=False)
    places: Mapping[Annotator, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", {name: i for i, name in enumerate(self.options)})
        object.__setattr__(self, "places", {name: i for i, name in enumerate(self.annotators)})

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
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RecordError(f"a stored annotator model cannot be read: {error!r}") from None
        _check_shapes(model)
        return model


def model_of(inference: Inference, coded: CodedVotes, reason: str) -> AnnotatorModel:
    """What to keep of an inference: the annotators' models, never the tasks."""
    modelled = inference.unknown is not None
    return AnnotatorModel(
        method=inference.method,
        method_version=inference.method_version,
        reason=reason,
        options=coded.options,  # type: ignore[arg-type]
        annotators=coded.annotators,  # type: ignore[arg-type]
        prior=inference.prior,
        temperature=inference.temperature,
        confusion=inference.confusion if modelled else None,
        unknown=inference.unknown,
        weights=inference.weights,
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
    given = [(model.places.get(who), _code(model, option)) for who, option in answers.items()]
    given.sort(key=lambda pair: (-1 if pair[0] is None else pair[0], pair[1]))
    if model.confusion is None or model.unknown is None:
        return _shares(model, given)
    scores: Floats = np.zeros((1, len(model.options)))
    for place, code in given:
        matrix = model.unknown if place is None else model.confusion[place]
        scores[0] += np.log(np.maximum(matrix[:, code], TINY))
    scores *= model.temperature
    scores += np.log(np.maximum(model.prior, TINY))
    softmax(scores)
    return scores.ravel()


def _shares(model: AnnotatorModel, given: list[tuple[int | None, int]]) -> Floats:
    counts = np.zeros(len(model.options))
    for place, code in given:
        known = model.weights is not None and place is not None
        counts[code] += model.weights[place] if known else 1.0  # type: ignore[index]
    return smoothed_shares(counts)


def _code(model: AnnotatorModel, option: Option) -> int:
    try:
        return model.codes[option]
    except KeyError:
        raise RecordError(
            f"the annotator model does not know the option {str(option)[:80]!r}; fit it again"
        ) from None


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
