"""cost, and run --max-usd: what was spent, and that no more is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from goldloop.errors import SettingsError
from goldloop.prices import Price
from goldloop.samples import Run, Sample
from goldloop.settings import parse_settings
from store.costs import spent_tokens
from store.database import open_store
from store.runs import insert_runs
from sync.budget import Budget
from sync.cli import main
from tests.agents.openai_server import (
    Behaviour,
    OpenAIServer,
    Reply,
    fails,
    says,
    sends,
)

Goldloop = Callable[..., Result]


@pytest.fixture
def endpoint() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, endpoint: OpenAIServer) -> Path:
    """Forty samples, and a model that costs a cent and a half for each answer of ours."""
    assert CliRunner().invoke(main, ["-C", str(tmp_path), "init"]).exit_code == 0
    (tmp_path / "goldloop.toml").write_text(
        f"""
[agent]
kind = "openai"
model = "model-7"
base_url = "{endpoint.url}"
answers = 1
attempts = 1
max_output = 1000
concurrency = 8

[confidence]
estimators = ["process"]

[prices]
"model-7" = [1.5, 12]
"""
    )
    lines = [{"sample_id": f"s{n:02}", "user_input": f"question {n}"} for n in range(40)]
    (tmp_path / "samples.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert run(tmp_path, "import", str(tmp_path / "samples.jsonl")).exit_code == 0
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(main, ["-C", str(folder), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def answers(input_tokens: int = 2_000, output_tokens: int = 1_000) -> Behaviour:
    """Costs 0.003 + 0.012 USD by default."""
    return says("Yes.", usage=(input_tokens, output_tokens))


def spent(folder: Path) -> Decimal:
    [one] = json.loads(run(folder, "cost", "--json").stdout)
    return Decimal(one["usd"])


def test_cost_counts_tokens_and_money_exactly(folder: Path, endpoint: OpenAIServer) -> None:
    endpoint.script = [answers(2_001, 333)]
    assert run(folder, "run").exit_code == 0
    assert json.loads(run(folder, "cost", "--json").stdout) == [
        {
            "agent_version": "model-7",
            "runs": 40,
            "failed": 0,
            "uncounted": 0,
            "replaced": 0,
            "input_tokens": 80_040,
            "output_tokens": 13_320,
            "usd": "0.2799",
            "usd_per_run": "0.006998",
        }
    ]
    shown = run(folder, "cost").stdout
    assert "in all 0.2799 USD" in shown


def test_runs_that_nobody_counted_are_shown_and_not_as_nothing(
    folder: Path, endpoint: OpenAIServer
) -> None:
    endpoint.script = [answers(), says("Yes.", usage=None)]
    assert run(folder, "run", "--limit", "3").exit_code == 0
    [one] = json.loads(run(folder, "cost", "--json").stdout)
    assert (one["runs"], one["uncounted"], one["usd"]) == (3, 2, "0.015")
    shown = run(folder, "cost")
    assert "at least 0.015" in shown.stdout
    assert "of 2 runs nobody counted the tokens" in shown.stderr


def test_a_version_without_any_counts_or_without_a_price_costs_an_unknown_amount(
    folder: Path,
) -> None:
    db = open_store(folder / "goldloop.db")
    insert_runs(db, [Run("s00", "recorded-1", response="x")])
    insert_runs(db, [Run("s00", "other", response="x", input_tokens=5, output_tokens=1)])
    db.close()
    other, recorded = json.loads(run(folder, "cost", "--json").stdout)
    assert (other["input_tokens"], other["usd"]) == (5, None)
    assert (recorded["input_tokens"], recorded["usd"], recorded["uncounted"]) == (None, None, 1)
    assert "no price is known for other;" in run(folder, "cost").stderr


def test_what_an_estimator_asked_for_is_paid_too(folder: Path, endpoint: OpenAIServer) -> None:
    text = (folder / "goldloop.toml").read_text()
    text = text.replace("answers = 1", "answers = 3").replace('["process"]', '["agreement"]')
    (folder / "goldloop.toml").write_text(text)
    endpoint.script = [answers()]
    assert run(folder, "run", "--limit", "2").exit_code == 0
    assert spent(folder) == Decimal("0.09")


def test_a_try_that_failed_is_paid_though_another_took_its_place(
    folder: Path, endpoint: OpenAIServer
) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 0}
    endpoint.script = [sends({"choices": [], "usage": usage}), fails(503), answers()]
    assert run(folder, "run", "--limit", "1").exit_code == 1
    assert spent(folder) == Decimal("0.0015")
    assert run(folder, "run", "--limit", "1", "--retry-errors").exit_code == 1
    assert run(folder, "run", "--limit", "1", "--retry-errors").exit_code == 0
    [one] = json.loads(run(folder, "cost", "--json").stdout)
    assert (one["runs"], one["failed"], one["replaced"]) == (1, 0, 1)
    assert one["usd"] == "0.0165"


def test_a_failure_that_is_withdrawn_stays_paid(folder: Path) -> None:
    db = open_store(folder / "goldloop.db")
    paid = {"spent_input_tokens": 7, "spent_output_tokens": 3}
    insert_runs(db, [Run("s00", "v", error="no", **paid), Run("s01", "v", response="x", **paid)])
    db.execute("DELETE FROM runs WHERE error IS NOT NULL")
    insert_runs(db, [Run("s01", "v", response="y", **paid)])
    db.conn.commit()
    [one] = spent_tokens(db)
    db.close()
    assert (one.runs, one.replaced, one.input_tokens, one.output_tokens) == (1, 1, 14, 6)


def test_the_run_stops_before_it_overspends_and_goes_on_with_more(
    folder: Path, endpoint: OpenAIServer
) -> None:
    endpoint.script = [answers()]
    stopped = run(folder, "run", "--max-usd", "0.2", "--json")
    assert stopped.exit_code == 3
    counts = json.loads(stopped.stdout)
    assert counts == {"agent_version": "model-7", "runs": 13, "usd": "0.195", "left": 27}
    assert "27 samples are left; go on with: goldloop run --max-usd" in stopped.stderr
    assert len(endpoint.requests) == 13
    ended = run(folder, "run", "--max-usd", "0.5")
    assert ended.exit_code == 0
    assert "27 runs, 0.405 USD" in ended.stdout
    assert spent(folder) == Decimal("0.6")


def test_failures_count_where_they_say_what_they_took(folder: Path, endpoint: OpenAIServer) -> None:
    usage = {"prompt_tokens": 2_000, "completion_tokens": 1_000}
    endpoint.script = [sends({"choices": [], "usage": usage})]
    stopped = run(folder, "run", "--max-usd", "0.1", "--json")
    assert stopped.exit_code == 3
    assert json.loads(stopped.stdout)["errors"] == 6


def test_a_run_whose_tokens_are_not_counted_is_taken_for_what_was_set_aside(
    folder: Path, endpoint: OpenAIServer
) -> None:
    endpoint.script = [says("Yes.", usage=None)]
    stopped = run(folder, "run", "--max-usd", "0.1", "--json")
    assert stopped.exit_code == 3
    # Two calls of 1,000 tokens each, and a few for what is sent.
    assert json.loads(stopped.stdout)["runs"] == 4


def test_while_no_cost_is_known_one_sample_is_asked_at_a_time(
    folder: Path, endpoint: OpenAIServer
) -> None:
    together, most, done, lock = [0], [0], [0], threading.Lock()

    def watched(body: Any) -> Reply:
        with lock:
            together[0] += 1
            most[0] = max(most[0], together[0])
            if together[0] > max(1, done[0]):
                return fails(404, "too many at once")(body)
        time.sleep(0.02)
        with lock:
            together[0] -= 1
            done[0] += 1
        return answers()(body)

    endpoint.script = [watched]
    assert run(folder, "run", "--max-usd", "5").exit_code == 0
    assert most[0] > 1


def test_a_budget_that_the_first_run_may_exceed_asks_nothing(
    folder: Path, endpoint: OpenAIServer
) -> None:
    stopped = run(folder, "run", "--max-usd", "0.02")
    assert stopped.exit_code == 3
    assert "the next run may cost 0.02" in stopped.stderr
    assert endpoint.requests == []


def test_without_a_price_nothing_is_asked(folder: Path, endpoint: OpenAIServer) -> None:
    text = (folder / "goldloop.toml").read_text()
    (folder / "goldloop.toml").write_text(text.replace('"model-7" = [', '"model-8" = ['))
    refused = run(folder, "run", "--max-usd", "1")
    assert refused.exit_code == 2
    assert '--max-usd needs a price: put "model-7" = [' in refused.stderr
    assert endpoint.requests == []


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "much"])
def test_an_amount_that_is_none_is_refused(folder: Path, amount: str) -> None:
    refused = run(folder, "run", "--max-usd", amount)
    assert refused.exit_code == 2
    assert "no amount above 0" in refused.stderr


def test_a_recorded_agent_has_no_budget(folder: Path) -> None:
    (folder / "goldloop.toml").write_text('[agent]\nkind = "recorded"\n')
    refused = run(folder, "run", "--max-usd", "1")
    assert "recorded runs are not paid for" in refused.stderr


def test_a_budget_sets_aside_the_dearest_run_for_all_that_are_under_way() -> None:
    price = Price(Decimal(1_000_000), Decimal(0))
    budget = Budget(Decimal(10), price, calls=1, output_tokens=0, known=9, dearest=Decimal(2))
    sample = Sample("s", "Hi")
    assert [budget.admits(sample, n) for n in range(6)] == [True] * 5 + [False]
    budget.add(sample, Run("s", "v", input_tokens=3, output_tokens=0))
    assert (budget.spent, budget.dearest) == (3, 3)
    assert [budget.admits(sample, n) for n in range(3)] == [True, True, False]
    assert budget.refused == 3


@pytest.mark.parametrize(
    ("table", "says_so"),
    [
        ({"m": 1}, r'\[prices\] "m" must be \[USD per million input'),
        ({"m": [1]}, '"m" must be'),
        ({"m": [1, "2"]}, "\"m\": a price must be 0 to 1000000, not '2'"),
        ({"m": [1, -2]}, "not -2"),
        ({"m": [True, 1]}, "not True"),
        ({"m": [float("nan"), 1]}, "not nan"),
        ({"m-4": {"1": [1, 2]}}, '"m-4" is cut at a dot; put the whole name in quotes'),
        ([1, 2], r"\[prices\] must hold lines such as"),
    ],
)
def test_a_wrong_price_is_refused_by_its_name(table: Any, says_so: str) -> None:
    with pytest.raises(SettingsError, match=says_so):
        parse_settings({"prices": table}, {})
    with pytest.raises(SettingsError, match=r"^\$GOLDLOOP_PRICES"):
        parse_settings({}, {"GOLDLOOP_PRICES": json.dumps(table)})


def test_prices_may_come_from_the_environment() -> None:
    found = parse_settings({}, {"GOLDLOOP_PRICES": '{"m": [0.1, 2]}'}).prices
    assert found == {"m": Price(Decimal("0.1"), Decimal(2))}
    assert parse_settings({}, {"GOLDLOOP_PRICES": ""}).prices == {}
