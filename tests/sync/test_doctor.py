"""doctor: what is wrong is said with how to mend it, and the exit code says whether anything is."""

import pytest

pytestmark = pytest.mark.labelstudio


def _by_check(findings):
    return {finding["check"]: finding for finding in findings}


def test_everything_is_right_after_a_push(loop):
    loop.pushed(1)
    found = _by_check(loop.json("doctor"))
    good = ("settings", "store", "agent", "interface", "Label Studio", "token", "project")
    assert all(found[check]["ok"] for check in good)
    assert found["token"]["says"].startswith("legacy token of admin@")
    assert found["private addresses"]["ok"]
    assert found["ML backend"]["ok"] is None


def test_asking_about_addresses_registers_nothing(loop):
    loop.pushed(1)
    loop.run("doctor")
    api = loop.api()
    assert api.get("/api/ml/", params={"project": loop.project_id}).json() == []
    assert api.get("/api/webhooks/", params={"project": loop.project_id}).json() == []


def test_a_label_studio_that_refuses_private_addresses_is_named(make_loop, label_studio_factory):
    strict = {"LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS": "true"}
    loop = make_loop(label_studio_factory(extra=strict))
    loop.pushed(1)
    found = _by_check(loop.json("doctor", exit_code=1))
    assert found["private addresses"]["ok"] is False
    assert "ML backends and webhooks" in found["private addresses"]["says"]
    assert "ML_BLOCK_LOCAL_IP" in found["private addresses"]["mend"]


def test_a_label_studio_that_is_away_is_named(offline):
    found = _by_check(offline.json("doctor", exit_code=1))
    [away] = [f for check, f in found.items() if check.startswith("Label Studio")]
    assert away["ok"] is False
    assert "LABEL_STUDIO_URL" in away["mend"]


def test_a_consensus_that_could_never_be_reached_is_named(loop):
    loop.configure("consensus", min_annotators=3)
    found = _by_check(loop.json("doctor", exit_code=1))
    assert "waits for 3" in found["annotators"]["says"]


def test_a_folder_without_a_project_is_told_to_make_one(tmp_path, loop):
    loop.folder = tmp_path / "empty"
    loop.folder.mkdir()
    [found] = loop.json("doctor", exit_code=1)
    assert "goldloop init" in found["says"] + found["mend"]
