"""What annotators see of a trace: everything, escaped, bounded, and nothing that acts."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.samples import ROLES, Message, ToolCall
from label_config.trace import (
    MESSAGE_LIMIT,
    TEXT_LIMIT,
    TRACE_LIMIT,
    render_text,
    render_tool_calls,
    render_trace,
)

ALLOWED = {"div", "span", "details", "summary", "bdi"}


class Page(HTMLParser):
    """The tags, attributes and text of a piece of HTML, as a browser would read it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)></div></details><style>*{}</style>"
    "<a href='javascript:1'>\"quoted\" & 'so' \u202eback\u202c \u2066iso\u2069 \x00 \x1b \r \ud800"
)
TEXTS = st.text() | st.sampled_from([HOSTILE, "<", "&lt;", "'\"", "]]>", "<!--", "</div>"])
JSONS = st.dictionaries(TEXTS, TEXTS | st.integers() | st.none() | st.lists(TEXTS))
CALLS = st.builds(ToolCall, TEXTS, JSONS, st.none() | TEXTS)
CONTENTS = TEXTS | JSONS.map(json.dumps)
MESSAGES = st.builds(
    Message,
    st.sampled_from(ROLES) | TEXTS,
    st.none() | CONTENTS,
    st.lists(CALLS, max_size=3).map(tuple),
    st.none() | TEXTS,
    st.none() | TEXTS,
)


def check(html: str) -> Page:
    page = Page(html)
    assert set(page.tags) <= ALLOWED
    assert page.attributes <= {"style", "dir"}
    assert page.open == []
    return page


@given(st.lists(MESSAGES, max_size=5))
def test_no_content_of_a_trace_ever_becomes_markup(messages):
    check(render_trace(messages))


@given(TEXTS, TEXTS)
def test_no_text_ever_becomes_markup(text, empty):
    check(render_text(text, empty))


@given(st.lists(CALLS, max_size=4))
def test_no_tool_call_ever_becomes_markup(calls):
    check(render_tool_calls(calls))


@given(st.lists(MESSAGES, max_size=3))
def test_a_trace_can_be_sent_as_utf_8_and_holds_no_control_or_override_character(messages):
    html = render_trace(messages)
    html.encode("utf-8")
    hidden = {chr(code) for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
    hidden |= {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    assert not hidden & set(html)


def test_control_and_override_characters_are_shown_as_symbols():
    text = check(render_text(HOSTILE, "")).text
    for symbol in ("\u2400", "\u241b", "\u240d", "[U+202E]", "[U+2066]", "\ufffd"):
        assert symbol in text


def test_emoji_and_right_to_left_text_are_left_as_they_are():
    text = "\U0001f469\u200d\U0001f680 \u0634\u0643\u0631\u0627 \u200f"
    assert check(render_text(text, "")).text == text


def test_texts_take_their_own_direction():
    html = render_trace([Message("user", "a"), Message("tool", "b")])
    assert html.count('dir="auto"') == 2


def test_windows_line_ends_are_plain_line_ends():
    assert check(render_text("a\r\nb", "")).text == "a\nb"


def test_a_trace_shows_speakers_calls_arguments_and_results_in_order():
    call = ToolCall(
        "get_order", {"order_id": "A-1", "note": "a longer text, so as to need indents"}, "c1"
    )
    messages = [
        Message("system", "Be kind."),
        Message("user", "Where is it?"),
        Message("assistant", "I look.", (call,)),
        Message("tool", '{"status":"sent"}', tool_call_id="c1"),
        Message("assistant", "Sent."),
    ]
    text = check(render_trace(messages)).text
    parts = ["System instructions", "Be kind.", "User", "Where is it?", "Agent", "I look.", "calls",
             "get_order", '{\n  "order_id": "A-1",', "Result of get_order", '{"status": "sent"}',
             "Agent", "Sent."]  # fmt: skip
    places = [text.index(part) for part in parts[:4]]
    assert places == sorted(places)
    rest = text
    for part in parts:
        assert part in rest
        rest = rest[rest.index(part) + len(part) :]


def test_a_long_result_is_folded_behind_its_size_and_first_line():
    content = "first line\n" + "x" * 2_000
    html = render_trace([Message("tool", content, name="search")])
    page = check(html)
    assert page.tags.count("details") == 1
    assert "open" not in page.attributes
    summary = Page(html[html.index("<summary") : html.index("</summary>") + 10]).text
    assert summary == "Result of search · 2,011 characters · first line"


def test_a_short_result_and_a_long_reply_are_open():
    assert "details" not in check(render_trace([Message("tool", "ok", name="f")])).tags
    assert "details" not in check(render_trace([Message("assistant", "x" * 5_000)])).tags


def test_long_instructions_are_folded():
    assert "details" in check(render_trace([Message("system", "x" * 5_000)])).tags


@pytest.mark.parametrize(
    "content",
    ['{"a": 1, "a": 2}', '{"a": 1e999}', '{"a": 0.10000000000000000000001}', "[" * 5_000, "{oops"],
)
def test_json_that_would_read_differently_after_indenting_is_shown_as_it_came(content):
    assert content in check(render_trace([Message("tool", content)])).text


def test_arguments_that_were_no_json_are_shown_as_sent():
    text = check(render_tool_calls([ToolCall("f", {"__unparsed__": '{"a": '})])).text
    assert "not valid JSON" in text
    assert '{"a": ' in text
    assert "__unparsed__" not in text


def test_arguments_nested_past_all_reason_do_not_break_the_page():
    nested: dict[str, object] = {}
    for _ in range(5_000):
        nested = {"a": nested}
    assert "too deeply nested" in check(render_tool_calls([ToolCall("f", nested)])).text


def test_no_calls_and_none_recorded_read_differently():
    assert check(render_tool_calls(None)).text == "None recorded."
    assert check(render_tool_calls(())).text == "No tool call."


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_an_empty_text_says_so_in_the_words_given(text):
    assert check(render_text(text, "nothing <here>")).text == "nothing <here>"


def test_an_empty_trace_says_so():
    assert check(render_trace([])).text == "No conversation recorded."


def test_a_message_without_words_or_calls_says_so():
    assert "Said nothing." in check(render_trace([Message("assistant")])).text


def test_a_text_is_cut_at_its_limit_with_the_number_of_characters_left_out():
    text = check(render_text("x" * (TEXT_LIMIT + 1_234), "")).text
    assert text == "x" * TEXT_LIMIT + " … cut here: 1,234 more characters"


def test_a_text_at_its_limit_is_whole():
    assert check(render_text("x" * TEXT_LIMIT, "")).text == "x" * TEXT_LIMIT


def test_a_trace_keeps_its_first_and_last_messages_and_says_how_many_it_left_out():
    messages = [Message("user", f"turn {number}.") for number in range(MESSAGE_LIMIT + 50)]
    text = check(render_trace(messages)).text
    assert text.count("turn ") == MESSAGE_LIMIT
    assert "50 messages in between are not shown." in text
    assert "turn 0." in text
    assert f"turn {MESSAGE_LIMIT + 49}." in text
    assert f"turn {MESSAGE_LIMIT // 2}." not in text


def test_a_huge_trace_stays_bounded():
    html = render_trace([Message("tool", "<" * 1_000_000, name="f")] * 200)
    assert html.count("&lt;") < TRACE_LIMIT * 1.1


def test_a_message_with_very_many_calls_shows_the_first_and_counts_the_rest():
    text = check(render_tool_calls([ToolCall("f", {})] * 150)).text
    assert text.count("calls f") == 100
    assert "50 more tool calls are not shown." in text
