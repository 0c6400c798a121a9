from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from typing import Any

import pytest

from goldloop.errors import SettingsError
from goldloop.settings import (
    SECRETS,
    SECTIONS,
    Settings,
    environment_template,
    parse_settings,
    settings_template,
)

EVERY = [(section, item.name) for section, cls in SECTIONS.items() for item in fields(cls)]


def get(settings: Settings, section: str, key: str) -> Any:
    return getattr(getattr(settings, section), key)


def test_nothing_written_means_the_defaults() -> None:
    assert parse_settings({}, {}) == Settings()


def test_the_template_changes_nothing_as_it_is() -> None:
    assert parse_settings(tomllib.loads(settings_template()), {}) == Settings()


def test_the_template_says_the_defaults_when_every_line_is_uncommented() -> None:
    uncommented = re.sub(r"(?m)^# (\w+ = )", r"\1", settings_template())
    table = tomllib.loads(uncommented)
    assert [(section, key) for section in table for key in table[section]] == EVERY
    assert parse_settings(table, {}) == Settings()


def test_the_template_explains_every_setting() -> None:
    lines = settings_template().splitlines()
    for section, key in EVERY:
        place = next(i for i, line in enumerate(lines) if line.startswith(f"# {key} = "))
        assert len(lines[place - 1]) > 12, f"{section}.{key}"


def test_the_environment_template_names_every_secret_and_holds_none() -> None:
    written = [line for line in environment_template().splitlines() if not line.startswith("#")]
    assert written == [f"{name}=" for name, _ in SECRETS.values()]


OTHERS = {str: "http", int: 7, float: 0.9, bool: True}
# Settings that take only some values.
FEW = {
    ("agent", "api"): "responses",
    ("synthesis", "api"): "responses",
    ("confidence", "method"): "process",
    ("confidence", "estimators"): ["process", "entropy"],
    ("selection", "mode"): "soft",
    ("selection", "soft_aim"): "precision",
    ("selection", "embedding"): "vectors:embed",
    ("consensus", "method"): "dawid_skene",
    ("gate", "policy"): "noninferior",
    ("gate", "metric"): "score",
    ("gate", "alpha"): 0.1,
}


@pytest.mark.parametrize(("section", "key"), EVERY)
def test_every_setting_can_be_set_in_the_file_and_overridden(section: str, key: str) -> None:
    default = get(Settings(), section, key)
    first: Any = ["a", "b"] if isinstance(default, tuple) else OTHERS[type(default)]
    first = FEW.get((section, key), first)
    if key.endswith("url"):
        first = "http://one.example/x"
    name = f"GOLDLOOP_{section}_{key}".upper()
    from_file = parse_settings({section: {key: first}}, {})
    assert get(from_file, section, key) == (tuple(first) if isinstance(first, list) else first)
    text = ", ".join(first) if isinstance(first, list) else str(first)
    assert parse_settings({}, {name: text}) == from_file
    assert parse_settings({section: {key: first}}, {name: text}) == from_file


def test_the_environment_wins_over_the_file() -> None:
    found = parse_settings(
        {"selection": {"batch_size": 5}}, {"GOLDLOOP_SELECTION_BATCH_SIZE": "50"}
    )
    assert found.selection.batch_size == 50


def test_the_sdks_own_names_are_read_and_ours_wins() -> None:
    sdk = {"LABEL_STUDIO_URL": "http://ls:8080", "OPENAI_BASE_URL": "http://llm/v1"}
    found = parse_settings({"label_studio": {"url": "http://file"}}, sdk)
    assert (found.label_studio.url, found.agent.base_url) == ("http://ls:8080", "http://llm/v1")
    found = parse_settings({}, {**sdk, "GOLDLOOP_LABEL_STUDIO_URL": "http://ours"})
    assert found.label_studio.url == "http://ours"


def test_an_empty_sdk_name_sets_nothing() -> None:
    assert parse_settings({}, {"LABEL_STUDIO_URL": ""}) == Settings()


def test_secrets_come_from_the_environment_without_the_newline_of_a_file() -> None:
    environment = {name: f"secret-{key}\n" for key, (name, _) in SECRETS.items()}
    found = parse_settings({}, environment).secrets
    assert [getattr(found, key) for key in SECRETS] == [f"secret-{key}" for key in SECRETS]


def test_secrets_show_in_no_repr() -> None:
    environment = {name: "hush-hush" for name, _ in SECRETS.values()}
    settings = parse_settings({}, environment)
    assert "hush" not in repr(settings) + str(settings.secrets)


@pytest.mark.parametrize("table", [{"secrets": {"openai_api_key": "hush"}}, {"openai": "hush"}])
def test_a_secret_in_the_file_is_refused_and_not_repeated(table: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"unknown section: ") as caught:
        parse_settings(table, {})
    assert "hush" not in str(caught.value)


def test_the_password_of_an_address_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match=r"without user or password") as caught:
        parse_settings({}, {"OPENAI_BASE_URL": "https://me:hush/ush @host/v1"})
    assert "ush" not in str(caught.value)
    assert "host" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"storre": {}}, r"unknown section: storre; did you mean store\?"),
        ({"store": {"pth": "x"}}, r"unknown key in \[store\]: pth; did you mean path\?"),
        ({"store": {"zzz": 1}}, r"unknown key in \[store\]: zzz; known: path, versions"),
        ({"store": "goldloop.db"}, r"\[store\] must be a section, not 'goldloop.db'"),
        ({"store": {"path": ""}}, r"\[store\] path must not be empty"),
        ({"store": {"path": 5}}, r"\[store\] path must be a string, not 5"),
        ({"label_studio": {"title": "ab"}}, r"\[label_studio\] title must have 3 to 50"),
        ({"label_studio": {"url": "localhost"}}, r"\[label_studio\] url must be an http://"),
        ({"label_studio": {"prefill": "notes"}}, r"prefill must be a list of strings, not 'notes'"),
        ({"label_studio": {"prefill": [1]}}, r"prefill must be a list of strings, not \[1\]"),
        ({"label_studio": {"annotators_per_task": 0}}, r"annotators_per_task must be between 1"),
        ({"agent": {"kind": "gpt"}}, r"\[agent\] kind must be recorded, openai, http or python:"),
        ({"agent": {"temperature": float("nan")}}, r"temperature must be between 0 and 2, not nan"),
        ({"agent": {"concurrency": 2.0}}, r"concurrency must be a whole number, not 2.0"),
        ({"agent": {"concurrency": True}}, r"concurrency must be a whole number, not True"),
        ({"agent": {"timeout": "60"}}, r"timeout must be a number, not '60'"),
        ({"agent": {"timeout": float("inf")}}, r"timeout must be between 0.1 and 3600, not inf"),
        ({"selection": {"uncertain_share": 70}}, r"uncertain_share must be between 0 and 1"),
        ({"backend": {"port": 65536}}, r"\[backend\] port must be between 1 and 65535, not 65536"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=r"^goldloop\.toml: .*" + message):
        parse_settings(table, {})


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("GOLDLOOP_BACKEND_PORT", "http", "must be a whole number, not 'http'"),
        ("GOLDLOOP_BACKEND_PORT", "", "must be a whole number, not ''"),
        ("GOLDLOOP_BACKEND_PORT", "0", "must be between 1 and 65535, not 0"),
        ("GOLDLOOP_WORKER_INTERVAL", "soon", "must be a number, not 'soon'"),
        ("GOLDLOOP_WORKER_INTERVAL", "nan", "must be between 0.5"),
        ("LABEL_STUDIO_URL", "ftp://host", "must be an http:// or https:// address"),
        ("GOLDLOOP_AGENT_KIND", "python:module", "must be recorded, openai, http or python:"),
    ],
)
def test_a_wrong_variable_is_refused_by_its_name(variable: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=rf"^\${variable} {message}"):
        parse_settings({}, {variable: text})


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080",
        "https://host.example/label-studio/",
        "http://[::1]:8080",
        "http://10.0.0.1:9090/run?mode=eval&x=a@b",
        "",
    ],
)
def test_good_addresses_are_taken(url: str) -> None:
    assert parse_settings({"agent": {"url": url}}, {}).agent.url == url


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8080",
        "//host",
        "http://",
        "http:///path",
        "http://user@host",
        "http://user:pass@host",
        "http://host:port",
        "http://host:80:90",
        "http://ho st",
        "http://host/a b",
        "http://host\n",
        "javascript:alert(1)",
        "http://good\\@evil",
    ],
)
def test_bad_addresses_are_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"\[agent\] url must be an http:// or https://"):
        parse_settings({"agent": {"url": url}}, {})


@pytest.mark.parametrize(
    "kind", ["python::", "python:a:", "python::b", "python:a:b:c", "Python:a:b"]
)
def test_an_agent_kind_that_names_no_callable_is_refused(kind: str) -> None:
    with pytest.raises(SettingsError, match=r"\[agent\] kind must be"):
        parse_settings({"agent": {"kind": kind}}, {})


def test_a_list_in_the_environment_may_be_empty() -> None:
    assert parse_settings({}, {"GOLDLOOP_CONSENSUS_UNVOTED": " , "}).consensus.unvoted == ()


def test_a_wrong_value_is_cut_short() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings({"agent": {"kind": "x" * 10**6}}, {})
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("licence", ["two\nlines", "\x1b[31mred", "x" * 201, " MIT", "a\u202eb"])
def test_a_licence_that_is_not_one_line_is_refused(licence: str) -> None:
    with pytest.raises(SettingsError, match=r"license must be one line of at most 200"):
        parse_settings({"dataset": {"license": licence}}, {})


def test_a_licence_may_be_any_line() -> None:
    found = parse_settings({"dataset": {"license": "© Example Ltd, for internal use"}}, {})
    assert found.dataset.license == "© Example Ltd, for internal use"
