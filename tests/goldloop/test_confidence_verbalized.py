from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.confidence import stated_probability


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("0.85", 0.85),
        (" .5\n", 0.5),
        ("0", 0.0),
        ("1", 1.0),
        ("1.0.", 1.0),
        ("85", 0.85),
        ("85%", 0.85),
        ("1%", 0.01),
        ("100 %", 1.0),
        ('{"probability": 0.85}', 0.85),
        ('{"confidence": "85%"}', 0.85),
        ('{"probability": 1, "confidence": 0.2}', 1.0),
        ('```json\n{"probability": 0.85}\n```', 0.85),
        ("The fare of 250 is right, I think. Probability: 0.7", 0.7),
        ("Probability: 0.9. No, wait: the date is wrong. **Probability:** 0.2", 0.2),
        ("My confidence is 60%.", 0.6),
        ("I would say 0.85, all in all.", 0.85),
    ],
)
def test_a_stated_probability_is_read(reply: str, expected: float) -> None:
    assert stated_probability(reply) == pytest.approx(expected)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "very likely",
        "-0.5",
        "- 0.5 or 0.7",
        "1.5",
        "150%",
        "101",
        "8/10",
        "8 out of 10",
        "0,85",
        "1,000",
        "95-99%",
        "95–99%",
        "between 0.5 and 0.9",
        "1e-3",
        "0x1",
        "v0.85",
        "0.8.5",
        "NaN",
        "Infinity",
        '{"probability": NaN}',
        '{"probability": true}',
        '{"probability": null}',
        '{"probability": [0.9]}',
        '{"probability": -1}',
        '{"probability": "high"}',
        '{"probability": ' + "9" * 5000 + "}",
        "[" * 5000,
        "٠.٨٥",
        "0.9 " * 10_000,
        "9" * 100,
    ],
)
def test_nothing_is_guessed(reply: str) -> None:
    assert stated_probability(reply) is None


@given(st.text(alphabet='0123456789.,%-/ \n{}":probabilityconfidence', max_size=60))
def test_whatever_is_said_it_is_a_probability_or_none(reply: str) -> None:
    value = stated_probability(reply)
    assert value is None or 0.0 <= value <= 1.0


@given(st.floats(0, 1))
def test_a_number_comes_back_as_it_was_said(value: float) -> None:
    assert stated_probability(f"{value:.6f}") == pytest.approx(value, abs=1e-6)
    assert stated_probability(f'{{"probability": {value:.6f}}}') == pytest.approx(value, abs=1e-6)
