import secrets

import httpx
import pytest

from goldloop.errors import LabelStudioError
from sync.labelstudio import Account, invite_token, log_in, personal_access_token, sign_up
from sync.labelstudio.ports import free_port

pytestmark = pytest.mark.labelstudio


@pytest.fixture
def invite(label_studio):
    return invite_token(label_studio.url, label_studio.admin.token)


@pytest.fixture
def email():
    """An address that no test has signed up."""
    return f"{secrets.token_hex(8)}@example.org"


def whoami(url, authorization):
    reply = httpx.get(f"{url}/api/current-user/whoami", headers={"Authorization": authorization})
    return reply.raise_for_status().json()


def test_signing_up_twice_gives_the_same_account(label_studio, invite, email):
    first = sign_up(label_studio.url, invite, email, "a-good-password")
    assert sign_up(label_studio.url, invite, email, "a-good-password") == first
    assert first.email == email


def test_an_annotators_token_gets_a_task_to_label_and_answers_it(label_studio):
    admin, ann = label_studio.admin, label_studio.annotators[0]
    config = (
        "<View><Text name='t' value='$t'/><Choices name='c' toName='t'>"
        "<Choice value='yes'/></Choices></View>"
    )
    with httpx.Client(base_url=label_studio.url) as client:
        client.headers["Authorization"] = f"Token {admin.token}"
        project = client.post("/api/projects/", json={"title": "Next", "label_config": config})
        number = project.json()["id"]
        client.post(f"/api/projects/{number}/import", json=[{"data": {"t": "hello"}}])

        client.headers["Authorization"] = f"Token {ann.token}"
        task = client.get(f"/api/projects/{number}/next").raise_for_status().json()
        assert task["data"] == {"t": "hello"}
        chosen = {"from_name": "c", "to_name": "t", "type": "choices"}
        answer = {"result": [{**chosen, "value": {"choices": ["yes"]}}]}
        saved = client.post(f"/api/tasks/{task['id']}/annotations/", json=answer)
    assert saved.status_code == 201
    assert saved.json()["completed_by"] == ann.user_id


def test_an_account_has_the_name_that_it_was_given_or_one_made_of_its_address(
    label_studio, invite, email
):
    given = sign_up(label_studio.url, invite, email, "a-good-password", name="Ann Mary Lee")
    made = sign_up(label_studio.url, invite, f"bo.ek-{email}", "a-good-password")
    ann = whoami(label_studio.url, f"Token {given.token}")
    bo = whoami(label_studio.url, f"Token {made.token}")
    assert (ann["first_name"], ann["last_name"]) == ("Ann", "Mary Lee")
    assert (bo["first_name"], bo["last_name"][:2]) == ("Bo", "Ek")


def test_a_personal_access_token_is_exchanged_for_access_as_its_user(label_studio, invite, email):
    account = sign_up(label_studio.url, invite, email, "a-good-password")
    token = personal_access_token(label_studio.url, account)
    reply = httpx.post(f"{label_studio.url}/api/token/refresh/", json={"refresh": token})
    me = whoami(label_studio.url, f"Bearer {reply.json()['access']}")
    assert me["id"] == account.user_id


def test_a_second_personal_access_token_is_refused_unless_it_replaces_the_first(
    label_studio, invite, email
):
    account = sign_up(label_studio.url, invite, email, "a-good-password")
    first = personal_access_token(label_studio.url, account)
    with pytest.raises(LabelStudioError, match="already has a personal access token"):
        personal_access_token(label_studio.url, account)
    second = personal_access_token(label_studio.url, account, replace=True)
    refresh = f"{label_studio.url}/api/token/refresh/"
    statuses = [httpx.post(refresh, json={"refresh": t}).status_code for t in (first, second)]
    assert statuses == [401, 200]


def test_an_account_with_another_password_is_neither_entered_nor_changed(
    label_studio, invite, email
):
    account = sign_up(label_studio.url, invite, email, "a-good-password")
    with pytest.raises(LabelStudioError, match="another password"):
        sign_up(label_studio.url, invite, email, "another-good-password")
    with pytest.raises(LabelStudioError, match="refused the password"):
        log_in(label_studio.url, email, "another-good-password")
    assert log_in(label_studio.url, email, "a-good-password") == account


@pytest.mark.parametrize(
    ("invited", "address", "password", "why"),
    [
        (False, "x@example.org", "a-good-password", "invite is not valid"),
        (True, "x@example.org", "short", "not acceptable"),
        (True, "no address", "a-good-password", "not acceptable"),
    ],
)
def test_a_refused_sign_up_says_why_without_the_password(
    label_studio, invite, invited, address, password, why
):
    with pytest.raises(LabelStudioError, match=why) as error:
        sign_up(label_studio.url, invite if invited else "wrong", address, password)
    assert password not in str(error.value)


def test_a_refused_token_is_reported_without_the_token(label_studio):
    wrong = "f" * 40
    with pytest.raises(LabelStudioError, match="token was refused") as error:
        invite_token(label_studio.url, wrong)
    assert wrong not in str(error.value)


def test_a_server_that_is_not_there_is_named():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(LabelStudioError, match=f"cannot reach Label Studio at {url}"):
        log_in(url, "ann@example.org", "a-good-password")


def test_no_secret_is_in_the_repr_of_an_account():
    shown = repr(Account("ann@example.org", 7, token="the-token", password="the-password"))
    assert "ann@example.org" in shown
    assert "the-token" not in shown
    assert "the-password" not in shown
