import pytest

from label_config.expert_case import (
    EARLIER_ANSWERS,
    earlier_predictions,
    expert_interface,
    render_earlier_answers,
)
from label_config.interface import builtin_interface, read_interface

BUILTIN = builtin_interface()
RIGHT = {"correctness": "correct", "tool_use": "right", "helpfulness": 4}
WRONG = {"correctness": "incorrect", "tool_use": "right", "failure_modes": ("other", "bad_tone")}


def _answers(prediction):
    return {item["from_name"] for item in prediction["result"]}


@pytest.mark.parametrize(
    "prolog", ["", '<?xml version="1.0"?>\n', "<?xml version='1.0' encoding='UTF-8' ?><!-- v -->\n"]
)
def test_the_experts_are_asked_the_same_questions(prolog):
    own = read_interface(
        f'{prolog}<View><Text name="t" value="$user_input"/>'
        '<Choices name="ok" toName="t"><Choice value="yes"/><Choice value="no"/></Choices></View>'
    )
    experts = expert_interface(own)
    assert experts.fields == own.fields
    assert experts.data_keys == (EARLIER_ANSWERS, "user_input")


def test_the_builtin_interface_can_be_shown_to_experts():
    assert expert_interface(BUILTIN).fields == BUILTIN.fields


def test_the_disputed_questions_stand_first_and_are_marked():
    page = render_earlier_answers(BUILTIN.fields, [RIGHT, WRONG], {"failure_modes"})
    assert page.index("failure_modes (disputed)") < page.index("correctness")
    assert "other, bad_tone" in page
    assert page.count("not answered") == 2
    assert "expected_response" not in page


def test_what_people_wrote_is_escaped():
    page = render_earlier_answers(BUILTIN.fields, [{"notes": "<script>x</script>\u202e"}], set())
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;[U+202E]" in page


def test_each_answer_is_a_prediction_and_the_last_one_is_what_all_agree_on():
    made = earlier_predictions(BUILTIN, [RIGHT, WRONG], {"correctness"})
    assert [_answers(one) for one in made] == [set(RIGHT), set(WRONG), {"tool_use"}]


def test_what_is_disputed_is_not_filled_in_even_where_all_agree():
    *_, last = earlier_predictions(BUILTIN, [RIGHT, RIGHT], {"correctness"})
    assert _answers(last) == {"tool_use", "helpfulness"}


def test_what_one_person_alone_answered_is_not_filled_in():
    *_, last = earlier_predictions(BUILTIN, [RIGHT], set())
    assert last["result"] == []
