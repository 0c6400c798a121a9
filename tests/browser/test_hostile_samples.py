"""Text from users and models that attacks whoever looks at it: shown as text, and nothing more."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.annotator import Annotator
from tests.browser.conftest import Annotate, Batch, pushed
from tests.conftest import LabelStudio

pytestmark = [pytest.mark.labelstudio, pytest.mark.browser]
MARKUP = (
    "<script>window.harmed = 'script'</script>"
    '<img src="http://evil.invalid/pixel.png" onerror="window.harmed = \'image\'">'
    "<svg onload=\"window.harmed = 'svg'\"></svg>"
    "<details open ontoggle=\"window.harmed = 'toggle'\"><summary>x</summary></details>"
    '<iframe srcdoc="<script>parent.harmed = 1</script>"></iframe>'
    '<a href="javascript:window.harmed = 1">a link</a>'
    "<style>@import url(http://evil.invalid/style.css); body { display: none }</style>"
    "<base href='http://evil.invalid/'><meta http-equiv=refresh content='0;url=/evil'>"
    "</div></div></div><form action=/evil><button>Submit</button></form>"
)
SPOKEN = (
    f"{MARKUP} ![pixel](http://evil.invalid/markdown.png) {{{{ 7 * 7 }}}} ${{alert(1)}} "
    "$trace_html "
    "\u202egnp.tnecnonni\u202c &lt;b&gt; &#106; 👩🏽‍🚀🏳️‍🌈 \u05e9\u05dc\u05d5\u05dd"
)
SHOWN = SPOKEN.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
LONG = "long " * 40_000
CUT = "cut here: 100,000 more characters"


IMAGE = "http://evil.invalid/alone.png"
ALIVE = "img, iframe, script, svg, a, style, form, button, base, meta"


def hostile_record() -> dict[str, Any]:
    """Every text of it is hostile."""
    call = {"name": MARKUP, "arguments": json.dumps({MARKUP: SPOKEN, "list": [SPOKEN]})}
    messages = [
        {"role": "system", "content": SPOKEN},
        {"role": "user", "content": SPOKEN},
        {"role": "assistant", "content": SPOKEN, "tool_calls": [{"id": "c", "function": call}]},
        {"role": "tool", "tool_call_id": "c", "content": json.dumps({"page": SPOKEN})},
        {"role": "assistant", "content": LONG},
        {"role": "assistant", "content": SPOKEN},
    ]
    return {
        "sample_id": "hostile",
        "user_input": SPOKEN,
        "expected_response": SPOKEN,
        "expected_tool_calls": [call],
        "tags": [MARKUP],
        "metadata": {"picture": IMAGE, MARKUP: SPOKEN},
        "run": {"agent_version": "hostile-1", "messages": messages, "confidence": 0.001},
    }


def image_record() -> dict[str, Any]:
    """Its texts are nothing but the address of an image, which a list may want to show."""
    return {
        "sample_id": IMAGE,
        "user_input": IMAGE,
        "expected_response": IMAGE,
        "run": {"agent_version": "hostile-1", "response": IMAGE, "confidence": 0.002},
    }


@pytest.fixture(scope="module")
def hostile_batch(
    tmp_path_factory: pytest.TempPathFactory, label_studio: LabelStudio
) -> Iterator[Batch]:
    """Two tasks, the hostile one first."""
    folder = tmp_path_factory.mktemp("hostile") / "project"
    with pushed(folder, label_studio, [hostile_record(), image_record()]) as made:
        yield made


def assert_unharmed(annotator: Annotator) -> None:
    """Nothing ran, nothing was asked for elsewhere, nothing broke."""
    assert annotator.page.evaluate("window.harmed") is None
    assert len(annotator.page.frames) == 1
    assert annotator.dialogs == []
    assert annotator.errors == []
    asked = [urlsplit(address) for address in annotator.requests]
    assert {at.hostname for at in asked if at.scheme not in ("data", "blob")} == {"127.0.0.1"}
    assert not [at for at in asked if "evil" in at.path]


def test_hostile_text_is_shown_as_text_while_it_is_judged(
    annotate: Annotate, hostile_batch: Batch
) -> None:
    ann = annotate(2)
    ann.open_project(hostile_batch.loop.project_id)
    ann.start_labelling()
    for folded in ann.case.locator("summary").all():
        folded.click()
    trace = ann.panel("Conversation").inner_text()
    # The instructions, the user, two turns of the agent; the tool's JSON has its own escapes.
    assert trace.count(SHOWN) == 4
    assert trace.count(json.dumps(SHOWN, ensure_ascii=False)[1:-1]) == 3
    assert CUT in trace
    expect(ann.panel("The agent's final response")).to_contain_text(SHOWN)
    expect(ann.panel("Expected response")).to_contain_text(SHOWN)
    expect(ann.kept_texts).to_have_text([SPOKEN])
    expect(ann.case.locator(ALIVE)).to_have_count(0)
    ann.questions.get_by_role("button", name="Edit Region").click()
    ann.press("Control+End", "!", "Shift+Enter")
    expect(ann.kept_texts).to_have_text([f"{SPOKEN}!"])
    assert_unharmed(ann)


def test_hostile_text_is_shown_as_text_in_the_list_of_tasks(
    annotate: Annotate, hostile_batch: Batch
) -> None:
    ann = annotate(2)
    ann.open_project(hostile_batch.loop.project_id)
    rows = ann.page.locator(".lsf-table__row-wrapper")
    expect(rows).to_contain_text([MARKUP, IMAGE])
    assert_unharmed(ann)
    ann.page.get_by_role("radio", name="Grid view").click()
    cards = ann.page.locator(".lsf-grid-view__cell")
    expect(cards).to_contain_text([MARKUP, IMAGE])
    assert_unharmed(ann)
