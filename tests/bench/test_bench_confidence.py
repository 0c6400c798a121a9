"""How `bench confidence` scores."""

from bench.confidence import Trial, main, read_trials, scored, tied_share
from goldloop.samples import Message, Run, Sample


def trial(scenario: str, number: int, response: str, right: bool) -> Trial:
    name = f"{scenario}-{number}"
    turns = (Message("user", "?"), Message("assistant", response))
    return Trial(scenario, Sample(name, "?"), Run(name, "v", turns, response), right)


def test_a_trial_is_scored_by_the_other_trials_of_its_scenario_alone():
    trials = [
        trial("a", 0, "yes", True),
        trial("b", 0, "no", False),
        trial("a", 1, "yes", True),
        trial("b", 1, "yes", True),
        trial("a", 2, "no", False),
    ]

    found = scored(trials)

    assert found["agreement"] == [0.5, 0.0, 0.5, 0.0, 0.0]
    assert found["length"] == [-1.0] * 5


def test_ties_are_counted_over_pairs_of_a_right_and_a_wrong_run():
    assert tied_share([0.5, 0.5, 0.1, 0.9], [True, False, False, True]) == 0.25


def test_it_says_that_it_was_skipped_where_there_is_no_data(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.confidence.DATA", tmp_path / "nowhere")

    assert "no recorded runs" in main(quick=True)["skipped"]


def test_the_real_trials_are_four_a_scenario(tau_airline):
    trials = read_trials(tau_airline)

    assert len(trials) == 200
    assert len({one.scenario for one in trials}) == 50
    assert sum(one.right for one in trials) == 84


def test_every_estimator_has_an_area_an_interval_around_it_levels_and_ties(tau_airline, capsys):
    figures = main(quick=True)

    names = {
        "agreement",
        "ordered_agreement",
        "entropy",
        "process",
        "combined:agreement+process",
        "length",
    }
    for key in ("auroc", "auroc_interval", "levels", "tied_share"):
        assert set(figures[key]) == names
    for name in names:
        low, high = figures["auroc_interval"][name]
        assert low < figures["auroc"][name] < high
    assert figures["auroc"]["combined:agreement+process"] > 0.55
    assert figures["levels"]["entropy"] < figures["levels"]["agreement"]
    assert (figures["runs"], figures["scenarios"], figures["right"]) == (200, 50, 84)
    assert "95% interval" in capsys.readouterr().out


def test_the_seed_repeats_the_figures(tau_airline):
    assert main(quick=True) == main(quick=True)


def test_the_truth_is_used_for_the_figures_alone(tau_airline):
    trials = read_trials(tau_airline)
    turned = [Trial(one.scenario, one.sample, one.run, not one.right) for one in trials]

    assert scored(trials) == scored(turned)
