"""pass^k: how often an agent gets a case right k times out of k."""

from __future__ import annotations

from math import comb


def pass_hat_k(passes: int, runs: int, k: int) -> float:
    """The unbiased estimate of the probability that k runs of a case all pass: C(c, k) / C(n, k).

    c of n runs passed. For n = k it is 1 only where all passed; for k = 1 it is the share that
    did. As in tau-bench (Yao et al. 2024, arXiv 2406.12045); average it over cases. Raises
    ValueError unless 0 <= passes <= runs and 1 <= k <= runs.

    >>> pass_hat_k(3, 4, 1), pass_hat_k(3, 4, 2), pass_hat_k(3, 4, 4)
    (0.75, 0.5, 0.0)
    """
    if not 0 <= passes <= runs or not 1 <= k <= runs:
        raise ValueError(f"expected 0 <= passes <= runs and 1 <= k <= runs: {passes}, {runs}, {k}")
    return comb(passes, k) / comb(runs, k)
