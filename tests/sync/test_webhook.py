"""The webhook in a real Label Studio: installed once, kept right, and what comes of it."""

from __future__ import annotations

import json

import pytest

from goldloop.webhooks import ASKED_ACTIONS
from store.inbox import LOOK_AGAIN
from tests.sync.receiver import (
    PASSWORD,
    WEBHOOK_SECRET,
    events,
    receiving,
    use_secrets,
    webhooks,
    with_address,
)

pytestmark = pytest.mark.labelstudio


@pytest.fixture
def pushed(loop):
    """A project with one task, and then an address and secrets, but nothing installed."""
    loop.pushed(1)
    with_address(loop)
    use_secrets(loop, password="")
    return loop


def change(loop, hook, **fields):
    """What a member does to a webhook through Label Studio's own API."""
    loop.api().patch(f"/api/webhooks/{hook['id']}/", json=fields)


def test_install_registers_it_with_its_secret_and_the_actions_one_by_one(pushed):
    said = pushed.run("webhook", "install")
    [hook] = webhooks(pushed)
    assert hook["url"] == f"{pushed.project.settings.backend.url}/webhook"
    assert hook["headers"] == {"X-Goldloop-Secret": WEBHOOK_SECRET}
    assert (hook["is_active"], hook["send_payload"], hook["send_for_all_actions"]) == (
        True,
        True,
        False,
    )
    assert sorted(hook["actions"]) == sorted(ASKED_ACTIONS)
    assert f"webhook {hook['id']} to {hook['url']}: made" in said.stdout
    assert WEBHOOK_SECRET not in said.output


def test_install_again_changes_nothing(pushed):
    pushed.run("webhook", "install")
    before = webhooks(pushed)
    found = pushed.json("webhook", "install")
    assert (found["is_new"], found["mended"], found["removed"]) == (False, [], 0)
    assert webhooks(pushed) == before


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"is_active": True}, "its actions are not ours"),
        ({"is_active": False, "actions": list(ASKED_ACTIONS)}, "it is switched off"),
        ({"headers": {}, "actions": list(ASKED_ACTIONS)}, "it shows another secret"),
        ({"headers": {"X-Goldloop-Secret": "old"}, "actions": list(ASKED_ACTIONS)}, "secret"),
        ({"send_payload": False, "actions": list(ASKED_ACTIONS)}, "it sends no ids"),
        ({"send_for_all_actions": True, "actions": list(ASKED_ACTIONS)}, "for all actions"),
    ],
    ids=["a PATCH without actions", "off", "no secret", "an old secret", "no payload", "all"],
)
def test_what_somebody_changed_is_mended(pushed, fields, fault):
    pushed.run("webhook", "install")
    [right] = webhooks(pushed)
    change(pushed, right, **fields)
    [wrong] = webhooks(pushed)
    assert wrong != right
    said = pushed.run("webhook", "install").stdout
    [mended] = webhooks(pushed)
    moved = ("updated_at", "actions")
    assert {k: v for k, v in mended.items() if k not in moved} == {
        k: v for k, v in right.items() if k not in moved
    }
    assert sorted(mended["actions"]) == sorted(ASKED_ACTIONS)
    assert "mended" in said
    assert fault in said
    assert "old" not in said


def test_doubles_go_and_others_stay(pushed):
    pushed.run("webhook", "install")
    [ours] = webhooks(pushed)
    of_others = "http://127.0.0.1:9/webhook"
    for url in (ours["url"], ours["url"], of_others):
        body = {"project": pushed.project_id, "url": url, "send_for_all_actions": True}
        pushed.api().post("/api/webhooks/", json=body)
    said = pushed.run("webhook", "install").stdout
    assert "2 doubles removed" in said
    assert [hook["url"] for hook in webhooks(pushed)] == [ours["url"], of_others]
    assert webhooks(pushed)[0] == ours


def test_a_webhook_address_of_its_own_replaces_the_one_made_of_the_backends(pushed):
    pushed.run("webhook", "install")
    pushed.configure("backend", webhook_url="http://127.0.0.1:7/elsewhere")
    pushed.run("webhook", "install")
    assert [hook["url"] for hook in webhooks(pushed)] == ["http://127.0.0.1:7/elsewhere"]


def test_remove_takes_ours_and_leaves_others(pushed):
    pushed.run("webhook", "install")
    body = {"project": pushed.project_id, "url": "http://127.0.0.1:9/webhook"}
    pushed.api().post("/api/webhooks/", json=body)
    assert pushed.json("webhook", "remove") == {"removed": 1}
    assert [hook["url"] for hook in webhooks(pushed)] == ["http://127.0.0.1:9/webhook"]
    assert pushed.json("webhook", "remove") == {"removed": 0}


def test_without_a_secret_it_says_how_to_make_one(pushed):
    use_secrets(pushed, webhook="", password="")
    said = pushed.refused("webhook", "install", exit_code=2)
    assert "GOLDLOOP_WEBHOOK_SECRET is empty" in said
    assert 'python -c "import secrets; print(secrets.token_urlsafe(32))"' in said
    assert webhooks(pushed) == []


def test_a_secret_that_can_be_guessed_is_refused(pushed):
    use_secrets(pushed, webhook="tooshort", password="")
    said = pushed.refused("webhook", "install", exit_code=2)
    assert "too short" in said
    assert "tooshort" not in said


def test_without_an_address_it_says_what_to_set(pushed):
    pushed.configure("backend", url="")
    assert "[backend] url" in pushed.refused("webhook", "install", exit_code=2)


def test_before_the_first_push_there_is_nothing_to_install_it_in(loop):
    with_address(loop)
    use_secrets(loop, password="")
    assert "goldloop push" in loop.refused("webhook", "install")


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://backend:9090", "a dot in its name"),
        ("http://no-such-host.invalid:9090", "cannot resolve the host"),
        ("http://169.254.169.254:9090", "USE_DEFAULT_BANNED_SUBNETS=false"),
    ],
)
def test_an_address_that_label_studio_refuses_is_told_with_what_to_change(pushed, url, advice):
    with_address(pushed, url)
    said = pushed.refused("webhook", "install")
    assert f"{url}/webhook" in said
    assert advice in said
    assert WEBHOOK_SECRET not in said


def test_what_annotators_do_is_in_the_inbox_with_its_ids(pushed):
    pushed.run("webhook", "install")
    [task_id] = pushed.task_ids().values()
    with receiving(pushed):
        annotation = pushed.answer(0, task_id)
        pushed.api().patch(f"/api/annotations/{annotation}/", json={"lead_time": 12.5})
        pushed.api().delete(f"/api/annotations/{annotation}/")
        pushed.api().delete(f"/api/tasks/{task_id}/")
        found = events(pushed, 4)
    tasks, annotations = json.dumps([task_id]), json.dumps([annotation])
    assert found == [
        ("ANNOTATION_CREATED", tasks, annotations),
        ("ANNOTATION_UPDATED", tasks, annotations),
        ("ANNOTATIONS_DELETED", "[]", annotations),
        ("TASKS_DELETED", tasks, "[]"),
    ]
    assert pushed.rows("SELECT DISTINCT project_id FROM inbox") == [(pushed.project_id,)]


def test_the_webhook_that_label_studio_makes_by_itself_is_worth_one_look_again(pushed):
    use_secrets(pushed)
    address = pushed.project.settings.backend.url
    with receiving(pushed):
        # As somebody does who connects the backend in Label Studio's own settings.
        body = {
            "project": pushed.project_id,
            "url": address,
            "title": "By hand",
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": "label-studio",
            "basic_auth_pass": PASSWORD,
        }
        pushed.api().post("/api/ml/", json=body)
        [own] = webhooks(pushed)
        assert (own["url"], own["headers"]) == (f"{address}/webhook", {})
        [task_id] = pushed.task_ids().values()
        for number in range(3):
            pushed.answer(number, task_id)
        assert events(pushed) == [(LOOK_AGAIN, "[]", "[]")]


def test_push_makes_label_studios_own_webhook_ours(loop):
    with_address(loop)
    use_secrets(loop)
    with receiving(loop):
        [task_id] = loop.pushed(1).values()
        [hook] = webhooks(loop)
        assert hook["headers"] == {"X-Goldloop-Secret": WEBHOOK_SECRET}
        loop.run("push")
        assert webhooks(loop) == [hook]
        loop.answer(0, task_id)
        [(action, tasks, _)] = events(loop)
    assert (action, tasks) == ("ANNOTATION_CREATED", f"[{task_id}]")


def test_push_mends_a_webhook_that_was_silenced(loop):
    with_address(loop)
    use_secrets(loop, password="")
    with receiving(loop):
        loop.pushed(1)
        [hook] = webhooks(loop)
        change(loop, hook, is_active=True)
        assert webhooks(loop)[0]["actions"] == []
        assert loop.json("push")["webhook_installed"] is True
        assert sorted(webhooks(loop)[0]["actions"]) == sorted(ASKED_ACTIONS)
        assert loop.json("push")["webhook_installed"] is False


def test_push_without_a_webhook_secret_installs_none(loop):
    with_address(loop)
    use_secrets(loop, webhook="")
    with receiving(loop):
        loop.pushed(1)
        [own] = webhooks(loop)
    assert own["headers"] == {}


def test_an_old_secret_reaches_nothing_until_it_is_installed_again(pushed):
    pushed.run("webhook", "install")
    [task_id] = pushed.task_ids().values()
    use_secrets(pushed, webhook="a-secret-that-came-later", password="")
    with receiving(pushed):
        pushed.answer(0, task_id)
        assert pushed.rows("SELECT * FROM inbox") == []
        pushed.run("webhook", "install")
        pushed.answer(1, task_id)
        assert len(events(pushed)) == 1


def test_a_changed_password_of_the_backend_reaches_label_studio(loop):
    with_address(loop)
    use_secrets(loop)
    with receiving(loop):
        loop.pushed(1)
    use_secrets(loop, password="a-password-of-the-next-month")
    with receiving(loop):
        api = loop.api()
        [before] = api.get("/api/ml/", params={"project": loop.project_id}).json()
        assert before["state"] != "CO"
        loop.run("push")
        [after] = api.get("/api/ml/", params={"project": loop.project_id}).json()
    assert (after["id"], after["state"]) == (before["id"], "CO")
    store = (loop.folder / "goldloop.db").read_bytes()
    assert PASSWORD.encode() not in store
    assert b"a-password-of-the-next-month" not in store


def test_an_unchanged_backend_is_left_alone_so_that_push_works_while_it_is_down(loop):
    with_address(loop)
    use_secrets(loop)
    with receiving(loop):
        loop.pushed(1)
    loop.run("push")
