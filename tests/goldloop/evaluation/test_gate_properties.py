"""What holds of every verdict, whatever came out of both evaluations."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from made_evaluations import TOOLS, case, evaluation

from goldloop.errors import IncomparableError
from goldloop.evaluation import STATUSES, Evaluation, Rules, gate, summarise

SCORES = st.lists(st.sampled_from([None, 0.0, 0.5, 1.0]), max_size=3)
CASES = st.lists(
    st.tuples(SCORES, SCORES, st.sampled_from([None, "k", "l"]), st.sampled_from(["a", "b"])),
    min_size=1,
    max_size=25,
)
RULES = st.builds(
    Rules,
    policy=st.sampled_from(["point", "significant", "noninferior"]),
    metric=st.sampled_from(["passed", "score"]),
    slices=st.sampled_from([(), ("tag:a",), ("tag:a", "tag:b", "tag:c")]),
    min_slice=st.sampled_from([2, 10]),
    max_errors=st.sampled_from([0.05, 1.0]),
)


def both(rows) -> tuple[Evaluation, Evaluation]:
    sides = (
        [case(n, *row[side], cluster_id=row[2], tags=(row[3],)) for n, row in enumerate(rows)]
        for side in (0, 1)
    )
    old, new = sides
    return evaluation(old, "1"), evaluation(new, "2")


@settings(max_examples=30, deadline=None)
@given(CASES, RULES)
def test_a_verdict_is_whole_and_its_codes_follow_its_status(rows, rules):
    old, new = both(rows)
    try:
        found = gate(old, new, rules)
    except IncomparableError:
        assert not any({*row[0]} - {None} and {*row[1]} - {None} for row in rows)
        return
    assert found.status in STATUSES
    assert found.exit_code() == {"regression": 1, "errors": 2}.get(found.status, 0)
    assert (found.exit_code(strict=True) == 0) == (found.status == "pass")
    assert found.sentence
    assert json.loads(json.dumps(found.record(), allow_nan=False))
    if found.paired is not None:
        assert -1.0 <= found.paired.low <= found.paired.change + 1e-9
        assert found.paired.change - 1e-9 <= found.paired.high <= 1.0
        assert 0.0 <= found.paired.p <= 1.0


@settings(max_examples=30, deadline=None)
@given(CASES)
def test_nothing_blocks_by_default_where_no_case_got_worse(rows):
    old, _ = both(rows)
    cases = [replace(one, attempts=(case(0, 1.0).attempts)) for one in old.cases]
    try:
        found = gate(old, replace(old, cases=tuple(cases), agent_version="b"), Rules())
    except IncomparableError:
        return
    assert found.status != "regression"


@settings(max_examples=30, deadline=None)
@given(CASES, st.sampled_from(["passed", "score"]))
def test_a_summary_is_json_and_its_means_lie_in_their_intervals(rows, metric):
    for one in both(rows):
        found = summarise(one, metric)
        assert json.dumps(found.record(), allow_nan=False)
        for part in (found.whole, *found.slices):
            assert part.cases == part.graded + part.errors + part.ungraded
            if part.mean is not None:
                assert 0.0 <= part.low <= part.mean + 1e-9
                assert part.mean - 1e-9 <= part.high <= 1.0
        assert found.graders[0].facts == TOOLS
