from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agents.http_json import HttpAgent
from agents.retry import Retry
from goldloop.errors import AgentError, SettingsError
from goldloop.samples import Message, Sample, ToolCall
from tests.agents.openai_server import (
    Behaviour,
    OpenAIServer,
    Reply,
    drops,
    fails,
    hangs,
    sends,
    sends_raw,
    trickles,
)

SECRET = "t0p-s3cret-token-value"
CODE = "function-code"
SAMPLE = Sample("s-1", "Hi", conversation=(Message("user", "Hello"),), expected_response="GOLD")
Make = Callable[..., HttpAgent]


@pytest.fixture
def make(server: OpenAIServer, waits: list[float]) -> Iterator[Make]:
    made: list[HttpAgent] = []

    def build(*script: Behaviour, timeout: float = 5.0, attempts: int = 4) -> HttpAgent:
        server.script = list(script)
        retry = Retry(attempts=attempts, sleep=waits.append)
        headers = {"Authorization": f"Bearer {SECRET}"}
        made.append(HttpAgent(f"{server.url}/ask?code={CODE}", "v1", headers, timeout, retry))
        return made[-1]

    yield build
    for agent in made:
        agent.close()


def test_the_question_is_posted_and_the_answer_is_read(make: Make, server: OpenAIServer) -> None:
    answer = {"response": "Yes", "tool_calls": [{"name": "f", "arguments": '{"n": 1}'}]}
    run = make(sends({**answer, "confidence": 0.75})).answer(SAMPLE)
    assert (run.response, run.tool_calls) == ("Yes", (ToolCall("f", {"n": 1}),))
    assert (run.confidence, run.confidence_method) == (0.75, "reported")
    [request] = server.requests
    assert request.path == f"/v1/ask?code={CODE}"
    assert request.headers["Authorization"] == f"Bearer {SECRET}"
    assert request.body == {
        "sample_id": "s-1",
        "user_input": "Hi",
        "messages": [{"role": "user", "content": "Hello"}, {"role": "user", "content": "Hi"}],
    }


def test_a_json_text_is_an_answer_too(make: Make) -> None:
    assert make(sends("Yes")).answer(SAMPLE).response == "Yes"


@pytest.mark.parametrize(
    "fault", [fails(429), fails(500), fails(503), drops], ids=["429", "500", "503", "dropped"]
)
def test_what_may_pass_is_tried_again(make: Make, waits: list[float], fault: Behaviour) -> None:
    assert make(fault, fault, sends("Yes")).answer(SAMPLE).response == "Yes"
    assert len(waits) == 2


def test_the_endpoint_says_how_long_to_wait(make: Make, waits: list[float]) -> None:
    make(fails(429, Retry_After="17"), sends("Yes")).answer(SAMPLE)
    assert 17 <= waits[0] <= 18


@pytest.mark.parametrize("behaviour", [hangs, trickles], ids=["silent", "trickling"])
def test_a_slow_endpoint_times_out_as_a_whole(make: Make, behaviour: Behaviour) -> None:
    agent = make(behaviour, timeout=0.3, attempts=2)
    with pytest.raises(AgentError, match=r"'s-1': .*(Timeout|timed out)"):
        agent.answer(SAMPLE)


def test_nobody_there_is_an_agent_error_without_the_query(waits: list[float]) -> None:
    agent = HttpAgent(f"http://127.0.0.1:9/x?code={CODE}", "v1", retry=Retry(sleep=waits.append))
    with pytest.raises(AgentError, match=r"http://127.0.0.1:9/x: ConnectError"):
        agent.answer(SAMPLE)
    agent.close()
    assert len(waits) == 3


def gzipped(_: Any) -> Reply:
    body = gzip.compress(b'"' + b"x" * 11_000_000 + b'"')
    return Reply(body, headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (fails(400, "no such field"), "HTTP 400.*no such field"),
        (fails(401), "HTTP 401"),
        (sends_raw(b"", 302, Location="http://127.0.0.1:9/"), "HTTP 302: redirects are not"),
        (sends_raw(b"<html>"), "not JSON, it begins with '<html>'"),
        (sends_raw(b"\xff\xfe\x00"), "not JSON"),
        (sends_raw(b"[" * 200_000), "not JSON"),
        (sends_raw(b""), "not JSON"),
        (sends_raw(b'"' + b"x" * 10_000_000 + b'"'), "larger than 10000000"),
        (gzipped, "larger than 10000000"),
        (sends_raw(b"junk", **{"Content-Encoding": "gzip"}), "DecodingError"),
        (sends({"answer": "typo"}), "neither a text nor a tool call"),
        (sends({"response": "x", "confidence": 7}), "confidence"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_other_faults_are_told_at_once(
    make: Make, waits: list[float], behaviour: Behaviour, says: str
) -> None:
    with pytest.raises(AgentError, match=f"sample 's-1': .*{says}"):
        make(behaviour).answer(SAMPLE)
    assert waits == []


def test_secrets_show_in_no_error_repr_or_log(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    agent = make(fails(400, f"bad token {SECRET} in 'Bearer {SECRET}', bad code {CODE}"))
    with pytest.raises(AgentError) as caught:
        agent.answer(SAMPLE)
    assert "bad token ***" in str(caught.value)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {agent!r}"
    assert CODE not in shown
    assert SECRET not in shown + caplog.text


def test_one_agent_may_be_asked_from_eight_threads(make: Make) -> None:
    agent = make(lambda asked: sends(f"re: {asked['user_input']}")(asked))
    samples = [Sample(f"s-{n}", f"question {n}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(agent.answer, samples))
    assert [(run.sample_id, run.response) for run in runs] == [
        (f"s-{n}", f"re: question {n}") for n in range(40)
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:1",
        "ftp://host/x",
        "file:///etc/passwd",
        "http://",
        "http://user:pw@host/",
        "http://host:99999/",
        "http://ho st/",
        "http://host/\n",
        "http://[::1",
    ],
)
def test_an_address_that_cannot_be_asked_is_a_settings_error(url: str) -> None:
    with pytest.raises(SettingsError, match="agent url") as caught:
        HttpAgent(url, "v1")
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("header", [("X-Key", f"{SECRET}\n"), ("X-Key", f"é{SECRET}"), ("a b", "")])
def test_a_header_that_http_cannot_carry_is_refused_without_its_value(
    header: tuple[str, str],
) -> None:
    with pytest.raises(SettingsError, match=header[0]) as caught:
        HttpAgent("http://host/", "v1", dict([header]))
    assert SECRET not in str(caught.value)
