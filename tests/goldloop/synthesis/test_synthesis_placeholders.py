"""Placeholders that a model left in are found, and honest brackets are left alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.synthesis.placeholders import argument_placeholder, placeholder


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi, I am [Name].", "[Name]"),
        ("Hello [Your Full Name],", "[Your Full Name]"),
        ("order [ORDER_NUMBER] is late", "[ORDER_NUMBER]"),
        ("It arrived on [insert date].", "[insert date]"),
        ("Ich bin [Ihr Name].", "[Ihr Name]"),
        ("mi pedido [número de pedido] no llega", "[número de pedido]"),
        ("je m'appelle [Prénom Nom]", "[Prénom Nom]"),
        ("我叫[姓名]", "[姓名]"),
        ("order {order_id} is late", "{order_id}"),
        ("Dear {{customer}},", "{{customer}}"),
        ("Dear {name},", "{name}"),
        ("the parcel ${tracking_number}", "{tracking_number}"),
        ("I am <insert name here>", "<insert name here>"),
        ("send it to <your address>", "<your address>"),
        ("order <order_id>", "<order_id>"),
        ("It went to (insert address).", "insert address"),
        ("order XXX is late", "XXX"),
        ("order LM-XXXXXX is late", "LM-XXXXXX"),
        ("call xxx-xxx-xxxx", "xxx-xxx-xxxx"),
        ("TODO: write the request", "TODO:"),
        ("Lorem ipsum, where is it?", "Lorem ipsum"),
        ("Use YOUR_API_KEY for it", "YOUR_API_KEY"),
        ("My order is your order number here.", "your order number here"),
        ("Dear %FIRST_NAME%", "%FIRST_NAME%"),
        ("...", "..."),
        ("[...]", "[...]"),
        ("TBD", "TBD"),
    ],
)
def test_what_was_to_be_filled_in_is_found(text, found):
    assert placeholder(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "See [the order number](https://example.com/help) and [name][1].\n\n[date]: https://x.example",
        "- [ ] pay\n- [x] ship [1] [sic] [laughs] [...] and so on...",
        'The body is {"name": "Ann", "order_id": ["LM-1", "LM-2"]} and {"a": {"b": 1}}',
        "In Python, rows[name], items[order_id] and `f'{order_id}'`; ```\nprint({name})\n```",
        r"$\frac{name}{n}$, $x_{date}$, {x}, {1, 2}, {a, b} and f(x) = {x | x > 0}",
        "GET /users/{user_id}/orders fails at {order.name}",
        "<p>Hello <b>you</b></p><br/><name>Ann</name> <a href='https://x.example'>order</a>",
        "Ann <ann@example.com> wrote: if order < 3 and date > 4",
        "a <- order and b -> date; List<Order>, Map<name>",
        "I need size XXXL or XXL. Card XXXX-XXXX-XXXX-1234, thanks xxx",
        "¿DÓNDE ESTÁ TODO MI PEDIDO? It is on my TODO list.",
        "I have your order number here: LM-204418. Put your name here, please.",
        "Wait... what? It is... late.",
        "The capital of France is ____. (Insert the card gently) and echo $NAME",
        "__init__ and __name__ are 100% fine, 50%OFF%",
        "Kosten: 5 € [inkl. MwSt.], Maße [cm]: 3 x 4",
    ],
)
def test_honest_texts_pass(text):
    assert placeholder(text) is None


@pytest.mark.parametrize(
    "value",
    [
        {"order_id": "..."},
        {"order_id": "<order_id>"},
        {"order_id": "your_order_id"},
        {"order_id": "order_id_here"},
        {"order_id": "your order number"},
        {"a": [{"b": "TBD"}]},
        {"a": "PLACEHOLDER"},
        {"order_id": "string"},
        {"a": "insert address"},
        ["?", "???"],
    ],
)
def test_arguments_that_say_nothing_are_placeholders(value):
    assert argument_placeholder(value) is not None


@pytest.mark.parametrize(
    "value",
    [
        {"order_id": "LM-204418", "reason": "Your parcel was late", "n": 5, "none": None},
        {"query": "where is my order, it should be here"},
        {"note": "No. 5 or so... to do tomorrow"},
        {"question": "", "answer": "no", "unit": "-"},
    ],
)
def test_honest_arguments_pass(value):
    assert argument_placeholder(value) is None


def test_a_deep_value_is_read_to_its_end():
    value = "TBD"
    for _ in range(5000):
        value = [value]
    assert argument_placeholder(value) == "TBD"


def test_what_is_said_is_short():
    found = placeholder("[Name" + " name" * 5 + "x" * 30 + "]")
    assert found is not None
    assert len(found) <= 60


@given(st.lists(st.from_regex(r"\A[a-z]{1,9}\Z"), min_size=1, max_size=30))
def test_plain_words_are_never_placeholders(words):
    assert placeholder("I said: " + " ".join(word.replace("x", "y") for word in words)) is None


@pytest.mark.timeout(30)
@pytest.mark.parametrize("part", ["[", "[a", "{a", "<a ", "<a_", "a_", "-", "X", "_A", "%A", "`"])
def test_hostile_texts_are_read_once(part):
    # What looked at them again and again would take minutes.
    text = (part * 100_000)[:100_000]
    placeholder(text)
    argument_placeholder({"a": text})


def test_the_examples_cases_hold_none(support_texts):
    assert [text for text in support_texts if placeholder(text)] == []


def test_real_arguments_hold_none(tau_airline):
    lines = tau_airline.read_text(encoding="utf-8").splitlines()
    calls = [
        call["function"]
        for line in lines
        for turn in json.loads(line)["messages"]
        for call in turn.get("tool_calls") or ()
    ]
    found = [argument_placeholder(json.loads(call["arguments"])) for call in calls]
    assert len(found) > 500
    assert set(found) == {None}
