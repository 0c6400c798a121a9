from __future__ import annotations

from pathlib import Path

import pytest

from goldloop.errors import SettingsError
from goldloop.settings import Settings
from store.settings import find_project, load_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project folder with an empty goldloop.toml."""
    (tmp_path / "goldloop.toml").write_text("", encoding="utf-8")
    return tmp_path


def test_the_project_is_the_nearest_folder_with_a_settings_file(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    assert find_project(inner) == find_project(folder) == folder
    (folder / "a" / "goldloop.toml").touch()
    assert find_project(inner) == folder / "a"


def test_without_a_project_one_is_told_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no goldloop\.toml in .*goldloop init"):
        find_project(tmp_path)
    with pytest.raises(SettingsError, match=r"there is no .*goldloop\.toml; .*goldloop init"):
        load_settings(tmp_path, {})


def test_an_empty_file_means_the_defaults(folder: Path) -> None:
    assert load_settings(folder, {}) == Settings()


def test_the_environment_wins_over_dotenv_and_dotenv_over_the_file(folder: Path) -> None:
    (folder / "goldloop.toml").write_text("[selection]\nbatch_size = 1\n[agent]\nanswers = 1\n")
    (folder / ".env").write_text("GOLDLOOP_SELECTION_BATCH_SIZE=2\nGOLDLOOP_AGENT_ANSWERS=2\n")
    found = load_settings(folder, {"GOLDLOOP_SELECTION_BATCH_SIZE": "3"})
    assert (found.selection.batch_size, found.agent.answers) == (3, 2)


def test_the_process_environment_is_read_by_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDLOOP_SELECTION_BATCH_SIZE", "9")
    assert load_settings(folder).selection.batch_size == 9


def test_a_secret_is_read_word_for_word(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/elsewhere")
    (folder / ".env").write_text(
        "OPENAI_API_KEY='pa${HOME}ss#word'\n"
        "export LABEL_STUDIO_API_KEY=plain\n"
        "GOLDLOOP_BACKEND_USER\n"
    )
    secrets = load_settings(folder, {}).secrets
    assert secrets.openai_api_key == "pa${HOME}ss#word"
    assert (secrets.label_studio_api_key, secrets.backend_user) == ("plain", "")


def test_files_that_begin_with_a_byte_order_mark_are_read(folder: Path) -> None:
    (folder / "goldloop.toml").write_text("[selection]\nbatch_size = 4\n", encoding="utf-8-sig")
    (folder / ".env").write_text("OPENAI_API_KEY=key\n", encoding="utf-8-sig")
    found = load_settings(folder, {})
    assert (found.selection.batch_size, found.secrets.openai_api_key) == (4, "key")


@pytest.mark.parametrize("content", [b"[selection", b"a = \xff", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_refused_by_its_path(folder: Path, content: bytes) -> None:
    (folder / "goldloop.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"goldloop\.toml is not valid TOML"):
        load_settings(folder, {})


def test_a_dotenv_that_is_not_utf_8_is_refused_without_its_content(folder: Path) -> None:
    (folder / ".env").write_bytes(b"OPENAI_API_KEY=hush\xff")
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8: byte 19 is wrong") as caught:
        load_settings(folder, {})
    assert "hush" not in str(caught.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "goldloop.toml").mkdir()
    with pytest.raises(SettingsError, match=r"goldloop\.toml cannot be read: Is a directory"):
        load_settings(tmp_path, {})


def test_a_wrong_setting_is_refused(folder: Path) -> None:
    (folder / "goldloop.toml").write_text("[selection]\nbatch_size = 0\n")
    with pytest.raises(SettingsError, match=r"\[selection\] batch_size must be between 1"):
        load_settings(folder, {})
