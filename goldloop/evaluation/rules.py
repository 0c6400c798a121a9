"""When an agent has got worse: the rules that a gate goes by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from goldloop.settings import Settings

POINT, SIGNIFICANT, NONINFERIOR = "point", "significant", "noninferior"
POLICIES = (POINT, SIGNIFICANT, NONINFERIOR)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of [gate] and, of [evaluation], `max_errors`; shares are in [0, 1].

    The margin is in absolute points: 0.02 lets a pass rate of 0.80 fall to 0.78.
    """

    policy: str = SIGNIFICANT
    metric: str = "passed"
    margin: float = 0.02
    alpha: float = 0.05
    slices: tuple[str, ...] = ()
    min_slice: int = 50
    smallest_drop: float = 0.05
    max_errors: float = 0.05
    judge_cases: int = 100
    judge_kappa: float = 0.4

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules that the settings ask for."""
        gate = settings.gate
        return cls(
            policy=gate.policy,
            metric=gate.metric,
            margin=gate.margin,
            alpha=gate.alpha,
            slices=gate.slices,
            min_slice=gate.min_slice,
            smallest_drop=gate.smallest_drop,
            max_errors=settings.evaluation.max_errors,
            judge_cases=gate.judge_cases,
            judge_kappa=gate.judge_kappa,
        )

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"slices": list(self.slices)}
