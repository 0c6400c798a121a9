"""The first filter says for each candidate the first thing that is wrong with it, or nothing."""

import pytest

from goldloop.errors import RecordError, SettingsError
from goldloop.samples import Message
from goldloop.synthesis.rules import MAX_ARGUMENTS, MAX_SAID, Rules, Sieve, json_object
from goldloop.synthesis.values import REASONS, RULES, Tool

FIND = Tool(
    "find_order",
    "Looks up an order",
    {
        "type": "object",
        "properties": {
            "order_id": {"type": "string", "pattern": "^LM-[0-9]{6}$"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        },
        "required": ["order_id"],
        "additionalProperties": False,
        "$defs": {"line": {"type": "integer"}},
    },
)
SEED = (
    "My parcel from the spring sale has not moved for nine days, can somebody please look into it?"
)


@pytest.fixture
def sieve():
    return Sieve(Rules.of([FIND]))


def reason(sieve, candidate, shown=None):
    ((_, rejection),) = sieve.sift([candidate], shown=shown)
    if rejection is None:
        return None
    assert rejection.stage == RULES
    assert rejection.reason in REASONS[RULES]
    return rejection.reason, rejection.said


def test_a_sound_candidate_is_kept(sieve, candidate):
    call = ("find_order", {"order_id": "LM-204418", "lines": [1]})
    sound = candidate(calls=[call], arguments=['{"order_id": "LM-204418", "lines": [1]}'])
    assert reason(sieve, sound) is None


@pytest.mark.parametrize(
    "blank", ["", " \n\t", "\u200b\u200d", "\u3164", "\ufeff \u2060", "\u0301"]
)
def test_what_shows_nothing_is_empty(sieve, candidate, blank):
    assert reason(sieve, candidate(text=blank)) == ("empty", "user_input is empty")
    nothing = candidate(response=blank, key_points=[blank])
    assert reason(sieve, nothing)[0] == "empty"
    turn = candidate(conversation=[Message("assistant", blank)])
    assert reason(sieve, turn) == ("empty", "conversation[0] is empty")


def test_key_points_may_stand_for_the_response(sieve, candidate):
    assert reason(sieve, candidate(response=None, key_points=["names the day"])) is None


def test_lengths_are_counted_in_characters_without_the_space_around(sieve, candidate):
    assert reason(sieve, candidate(0, "  refund  ")) == (
        "too_short",
        "user_input has 6 characters; at least 8 are wanted",
    )
    assert reason(sieve, candidate(1, "Refund, please", response="No.")) is None
    said = "expected_response has 4001 characters; at most 4000 are taken"
    assert reason(sieve, candidate(2, response="x" * 4001)) == ("too_long", said)
    assert reason(sieve, candidate(3, "word " * 1000))[0] == "too_long"
    assert reason(sieve, candidate(4, response=None, key_points=["x", "y" * 5000]))[0] == "too_long"


def test_a_tool_that_there_is_not_is_named_with_those_that_there_are(sieve, candidate):
    call = ("find_orders", {"order_id": "LM-204418"})
    assert reason(sieve, candidate(calls=[call])) == (
        "unknown_tool",
        "expected_tool_calls[0]: there is no tool 'find_orders'; there are: find_order",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "the arguments are not JSON"),
        ('["LM-204418"]', "no JSON object"),
        ('"LM-204418"', "no JSON object"),
        ('{"order_id": NaN}', "NaN"),
        ('{"order_id": "LM-204418", "order_id": "LM-204419"}', "a key twice"),
        ('{"order_id": 204418}', "at $.order_id: 204418 is not of type 'string'"),
        ('{"order_id": "204418"}', "at $.order_id"),
        ("{}", "'order_id' is a required property"),
        ('{"order_id": "LM-204418", "lines": [1, "2"]}', "at $.lines[1]"),
        ('{"order_id": "LM-204418", "why": "?"}', "Additional properties"),
        ('{"order_id": "\\u0000"}', "NUL"),
        ('{"order_id": "\\ud800"}', "surrogate"),
        ('{"a":' * 9000 + "1" + "}" * 9000, "at most 20000"),
        ('{"a":' * 3000 + "1" + "}" * 3000, ""),
    ],
)
def test_bad_arguments_are_said_with_the_tool_and_the_place(sieve, candidate, text, says):
    found = reason(sieve, candidate(calls=[("find_order", {})], arguments=[text]))
    assert found[0] == "bad_arguments"
    assert found[1].startswith("expected_tool_calls[0] (find_order): ")
    assert says in found[1]
    assert len(found[1]) <= MAX_SAID


def test_arguments_that_were_kept_as_a_value_are_held_to_the_schema_as_well(sieve, candidate):
    calls = [("find_order", {"order_id": "LM-204418"}), ("find_order", {"__unparsed__": "{"})]
    found = reason(sieve, candidate(calls=calls))
    assert found[1].startswith("expected_tool_calls[1] (find_order): ")
    more = candidate(calls=[], arguments=["{}"])
    assert reason(sieve, more) == ("bad_arguments", "there are arguments without a tool call")


def test_an_object_of_arguments_is_bounded_before_it_is_read():
    with pytest.raises(RecordError, match="at most 20000"):
        json_object('{"a": "' + "x" * MAX_ARGUMENTS + '"}')


def test_a_tool_without_parameters_takes_any_object(candidate):
    sieve = Sieve(Rules.of([Tool("ping", "")]))
    assert reason(sieve, candidate(calls=[("ping", {"a": 1})], arguments=['{"a": 1}'])) is None


def test_parameters_that_are_no_schema_are_an_error_of_the_settings():
    with pytest.raises(SettingsError, match="the tool 'x' is no JSON schema"):
        Rules.of([Tool("x", "", {"type": "thing"})])


def test_placeholders_are_found_in_every_text_and_argument(sieve, candidate):
    said = "user_input holds the placeholder '[Your Name]'"
    assert reason(sieve, candidate(text="I am [Your Name] and wait")) == ("placeholder", said)
    assert reason(sieve, candidate(response="Dear {name}"))[0] == "placeholder"
    assert reason(sieve, candidate(response=None, key_points=["says <your name>"]))[0] == (
        "placeholder"
    )
    free = Sieve(Rules.of([Tool("find_order", "")]))
    assert reason(free, candidate(calls=[("find_order", {"order_id": "..."})])) == (
        "placeholder",
        "expected_tool_calls[0] (find_order) holds the placeholder '...'",
    )


def test_the_first_of_two_equal_candidates_is_kept_whatever_order_they_come_in(candidate):
    twins = [candidate(7), candidate(2, "WHERE is the blue jacket  that I ordered last week?")]
    for order in (twins, twins[::-1]):
        found = Sieve(Rules.of([FIND])).sift(order)
        assert [(one.slot.index, bad and bad.reason) for one, bad in found] == [
            (2, None),
            (7, "exact_duplicate"),
        ]
        assert "the sample syn-2-1" in found[1][1].said


def test_a_rejected_candidate_does_not_make_others_duplicates(sieve, candidate):
    found = sieve.sift([candidate(0, response=""), candidate(1)])
    assert [bad and bad.reason for _, bad in found] == ["empty", None]


def test_a_further_attempt_is_compared_with_what_was_kept_before(sieve, candidate):
    assert reason(sieve, candidate(0)) is None
    again = candidate(1, "Where is the blue jacket that I ordered last weeks?", attempt=2)
    found = reason(sieve, again)
    assert found[0] == "near_duplicate"
    assert "syn-0-1: similarity 0." in found[1]


def test_what_is_there_already_is_repeated_by_nobody(candidate):
    other = "Please cancel the red tent, I have changed my mind about camping."
    pool = [("s-1", candidate().sample.user_input), ("syn-x", other)]
    sieve = Sieve(Rules.of([FIND]), pool=pool)
    found = sieve.sift([candidate(0), candidate(1, other)])
    assert [bad.said for _, bad in found] == [
        "user_input is the same text as that of the sample s-1",
        "user_input is the same text as that of the sample syn-x",
    ]


def test_the_earlier_turns_of_the_user_count_for_what_is_a_duplicate(sieve, candidate):
    told = candidate(
        0,
        conversation=[
            Message("user", "The two tents came, but not what I need most for the rain.")
        ],
    )
    assert [bad for _, bad in sieve.sift([told, candidate(1)])] == [None, None]


def test_an_example_of_the_prompt_that_comes_back_is_a_leak_and_no_duplicate(candidate):
    pool, shown = [("s-1", SEED)], {0: [("s-1", SEED)]}
    sieve = Sieve(Rules.of([FIND]), pool=pool)
    assert reason(sieve, candidate(0, SEED), shown) == (
        "leaked_example",
        "user_input is like the example s-1 of the prompt: similarity 1.00",
    )
    assert reason(sieve, candidate(1, SEED), shown)[0] == "exact_duplicate"


def test_a_long_part_of_an_example_is_a_leak(sieve, candidate):
    text = (
        "Hello, can somebody please help, as my parcel from the spring sale has not moved for "
        "nine days"
    )
    found = reason(sieve, candidate(0, text), {0: [("s-1", SEED)]})
    assert found[0] == "leaked_example"
    assert "has not moved for" in found[1]


def test_a_turn_of_phrase_of_an_example_is_no_leak(sieve, candidate):
    text = (
        "The tent that I bought in the spring sale leaks at the seams; can somebody please look "
        "into it, or tell me how I can send it back to you?"
    )
    assert reason(sieve, candidate(0, text), {0: [("s-1", SEED)]}) is None


def test_words_of_the_instructions_are_a_leak_in_any_text(candidate):
    sieve = Sieve(
        Rules.of([FIND]),
        instructions=["Write one realistic request that a user could send to the agent."],
    )
    copy = candidate(response="Sure: one realistic request that a user could send to us.")
    assert reason(sieve, copy) == (
        "leaked_example",
        "expected_response copies the instructions: 'one realistic request that a user could send'",
    )


def test_personal_data_are_said_by_their_kind_and_not_repeated(candidate):
    sieve = Sieve(Rules.of([Tool("mail", "")]))
    assert reason(sieve, candidate(text="Write to jane.doe@gmail.com please")) == (
        "personal_data",
        "user_input holds what looks like personal data: email address j***om",
    )
    call = candidate(calls=[("mail", {"to": [{"address": "jane.doe@gmail.com"}]})])
    assert reason(sieve, call)[0] == "personal_data"


def test_the_first_reason_in_the_order_of_the_stage_counts(sieve, candidate):
    worst = candidate(
        text="[Name]", calls=[("nothing", {})], response="mail jane.doe@gmail.com", arguments=["{"]
    )
    assert reason(sieve, worst)[0] == "too_short"


def test_a_hundred_shuffled_candidates_are_sifted_the_same(candidate):
    texts = [f"Order {n // 2} of the {'blue' if n % 3 else 'red'} tent is late" for n in range(100)]
    ordered = [candidate(n, text) for n, text in enumerate(texts)]
    shuffled = [ordered[n * 37 % 100] for n in range(100)]
    one, other = (Sieve(Rules.of([FIND])).sift(some) for some in (ordered, shuffled))
    assert one == other
    assert {bad.reason for _, bad in one if bad} == {"exact_duplicate"}
