"""`bench incremental` measures updates through the store."""

from bench import incremental


def test_updates_are_measured_and_leave_the_states_of_a_refit(monkeypatch, capsys):
    monkeypatch.setattr(incremental, "QUICK_ANNOTATIONS", 3000)
    monkeypatch.setattr(incremental, "UPDATES", 20)

    figures = incremental.main(quick=True)

    assert figures["annotations"] == 3000
    assert figures["floor_ms"] > 0
    assert 0 < figures["update_p50_ms"] <= figures["update_p99_ms"]
    assert figures["states_equal_after_refit"] >= 0.95
    assert figures["refit_s"] > 0
    assert "update_p99_ms" in capsys.readouterr().out
