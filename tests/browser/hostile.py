"""A sample in which everything that came from a user or a model tries to do harm on the screen."""

from __future__ import annotations

import json
from typing import Any

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
    f"{MARKUP} ![pixel](http://evil.invalid/markdown.png) {{{{ 7 * 7 }}}} ${{alert(1)}} $trace_html "
    "\u202egnp.tnecnonni\u202c &lt;b&gt; &#106; 👩🏽‍🚀🏳️‍🌈 \u05e9\u05dc\u05d5\u05dd"
)
SHOWN = SPOKEN.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
LONG = "long " * 40_000
CUT = "cut here: 100,000 more characters"


def hostile_sample() -> dict[str, Any]:
    """A record whose every text is hostile, and less confident than any other."""
    call = {"name": MARKUP, "arguments": json.dumps({MARKUP: SPOKEN, "picture": [SPOKEN]})}
    messages = [
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
        "metadata": {"picture": "http://evil.invalid/metadata.png", MARKUP: SPOKEN},
        "run": {"agent_version": "hostile-1", "messages": messages, "confidence": 0.001},
    }
