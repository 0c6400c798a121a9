"""The Dockerfile; what it builds is in tests/containers/test_confined_services.py."""

import re
import tomllib

from tests.conftest import REPOSITORY
from tests.containers.compose import DOCKERFILE, build_stage, final_stage, let_through


def test_it_has_two_stages_and_only_the_first_has_tools_to_build():
    assert len(re.findall(r"(?m)^FROM ", DOCKERFILE)) == 2
    assert "--from=build" in final_stage()["COPY"]
    assert not re.search(r"\b(uv|pip|apt-get)\b", " ".join(final_stage().values()))


def test_uv_is_the_makefiles():
    version = re.search(r"uv==(\S+)", DOCKERFILE)[1]
    assert f"UV_VERSION := {version}\n" in (REPOSITORY / "Makefile").read_text()


def test_it_holds_every_room_and_the_builder_sees_nothing_else():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    rooms = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    copied = {word for name, rest in build_stage() if name == "COPY" for word in rest.split()[:-1]}
    assert copied == rooms | {"pyproject.toml", "uv.lock", "README.md", "LICENSE"}
    assert let_through() == copied


def test_it_runs_as_a_user_of_a_fixed_number_who_owns_the_data_folder_alone():
    assert final_stage()["USER"] == "10001:10001"
    assert "useradd --uid 10001 --gid 10001" in final_stage()["RUN"]
    assert "install -d -o goldloop -g goldloop -m 0750 /data" in final_stage()["RUN"]
    assert "--chown" not in final_stage()["COPY"]
