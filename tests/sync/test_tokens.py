"""Both kinds of token work; a wrong one, or no Label Studio, is one line without secrets."""

from __future__ import annotations

import http.server
import secrets
import threading

import pytest

from sync.labelstudio import invite_token, personal_access_token, sign_up

# Three parts in base64url, the middle one {"token_type": "refresh", "exp": 8072213999}.
FORGED = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6ODA3MjIxMzk5OX0"
    ".c2lnbmF0dXJlLXRoYXQtbm9ib2R5LW1hZGU"
)


@pytest.mark.labelstudio
class TestTokensThatWork:
    @pytest.fixture
    def member(self, label_studio):
        """An account that nobody else uses."""
        invite = invite_token(label_studio.url, label_studio.admin.token)
        email = f"{secrets.token_hex(8)}@example.org"
        return sign_up(label_studio.url, invite, email, secrets.token_hex())

    def assert_push_and_pull(self, loop, member):
        task = loop.pushed(2)["s-001"]
        loop.answer(0, task)
        assert loop.json("pull")["changed"] == ["s-001"]
        assert [task["sample_id"] for task in _data(loop)] == ["s-000", "s-001"]
        project = loop.api().get(f"/api/projects/{loop.project_id}/").json()
        assert project["created_by"]["id"] == member.user_id

    def test_a_legacy_token(self, loop, member):
        loop.use_token(member.token)
        self.assert_push_and_pull(loop, member)

    # The SDK still reads its answer with the method of pydantic 1.
    @pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated")
    def test_a_personal_access_token(self, loop, member):
        loop.use_token(personal_access_token(loop.server.url, member))
        self.assert_push_and_pull(loop, member)

    def test_a_token_with_a_line_end_behind_it(self, loop, member, monkeypatch):
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", f"{member.token}\n")
        self.assert_push_and_pull(loop, member)


def _data(loop):
    return sorted((t["data"] for t in loop.tasks_there()), key=lambda data: data["sample_id"])


@pytest.mark.labelstudio
class TestTokensThatDoNot:
    @pytest.fixture
    def pushed(self, loop):
        loop.pushed(1)
        return loop

    @pytest.mark.parametrize(
        "token",
        ["0123456789abcdef0123456789abcdef01234567", FORGED, "a.b.c", "geheim\u00e9", "two words"],
        ids=["legacy", "personal", "malformed", "not ascii", "two words"],
    )
    def test_are_refused_in_one_line_without_the_token(self, pushed, token):
        pushed.use_token(f'"{token}"')
        before = pushed.rows("SELECT * FROM tasks"), pushed.rows("SELECT * FROM cursors")
        for command in (("push",), ("pull",)):
            result = pushed.run(*command, exit_code=1)
            assert len(result.stderr.strip().splitlines()) == 1
            assert "LABEL_STUDIO_API_KEY" in result.stderr
            for part in (token, *token.split(".")[1:]):
                assert len(part) < 3 or part not in result.stderr + result.stdout
        assert (pushed.rows("SELECT * FROM tasks"), pushed.rows("SELECT * FROM cursors")) == before

    @pytest.mark.parametrize("inside", ["\n", "\r\n", "\x7f"])
    def test_with_a_control_character_are_never_printed(self, pushed, monkeypatch, inside):
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", f"first-half{inside}other-half")
        said = pushed.refused("pull")
        assert "LABEL_STUDIO_API_KEY" in said
        assert "half" not in said

    def test_or_none_at_all_says_where_to_get_one(self, pushed):
        pushed.use_token("")
        assert "/user/account" in pushed.refused("pull")


class TestNoLabelStudio:
    def test_push_says_so_in_one_line_and_changes_nothing(self, offline):
        offline.fill(3)
        offline.run("select", "--batch-size", "2")
        message = offline.refused("push")
        assert offline.server.url in message
        assert "is it running" in message
        assert offline.rows("SELECT * FROM tasks") == []
        assert offline.rows("SELECT delivered_at FROM rounds") == [(None,)]

    def test_a_personal_access_token_makes_no_difference(self, offline):
        offline.use_token(FORGED)
        message = offline.refused("push")
        assert "is it running" in message
        assert FORGED[-20:] not in message

    def test_an_address_that_sends_us_on_is_named(self, offline):
        there = [("Location", "")]
        with _answering(200, b"{}") as target, _answering(302, b"", there) as url:
            there[0] = ("Location", f"{target}/")
            offline.configure("label_studio", url=url)
            assert f"sends us on to {target}; set LABEL_STUDIO_URL" in offline.refused("push")

    def test_a_web_page_where_an_answer_should_be_is_named(self, offline):
        with _answering(200, b"<html>Welcome</html>") as url:
            offline.configure("label_studio", url=url)
            assert "LABEL_STUDIO_URL" in offline.refused("push")


class _answering:  # noqa: N801 - reads as a verb
    """A server that gives everybody the same answer."""

    def __init__(self, status, body, headers=()):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
