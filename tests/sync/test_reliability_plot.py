from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from goldloop.calibration import Assessment, assess, labelled_scores
from sync.reliability_plot import save_plots


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    random = np.random.default_rng(4)
    scores = random.beta(3, 1, 200)
    found = assess(labelled_scores(scores, random.random(200) < scores**2), seed=1)
    assert isinstance(found, Assessment)
    return asdict(found)


def test_the_same_report_gives_the_same_bytes(report: dict[str, Any], tmp_path: Path) -> None:
    first = [path.read_bytes() for path in save_plots(tmp_path / "a", "v1", "m", report)]
    again = [path.read_bytes() for path in save_plots(tmp_path / "b", "v1", "m", report)]
    assert first == again
    assert first[0].startswith(b"\x89PNG")


def test_the_svg_shows_both_curves_and_no_date(report: dict[str, Any], tmp_path: Path) -> None:
    _, svg = save_plots(tmp_path, "v1", "agreement", report)
    text = "".join(ElementTree.parse(svg).getroot().itertext())  # noqa: S314 - our own file
    assert "v1, confidence by agreement" in text
    assert "200 labels" in text
    assert "as the agent says it: Brier" in text
    assert "calibrated (out of fold): Brier" in text
    assert "if perfect" in text
    assert "dc:date" not in svg.read_text()


@pytest.mark.parametrize(
    "version",
    ["../../etc/passwd", "$\\frac{$", "<script>alert(1)</script>", "模型\n2", "x" * 500, ""],
)
def test_no_name_of_a_version_leaves_the_folder_or_breaks_the_picture(
    report: dict[str, Any], tmp_path: Path, version: str
) -> None:
    paths = save_plots(tmp_path, version, "m", report)
    assert all(path.parent == tmp_path and path.is_file() for path in paths)
    root = ElementTree.parse(paths[1]).getroot()  # noqa: S314 - our own file
    assert not [one for one in root.iter() if one.tag.endswith("script")]


def test_names_that_look_alike_in_a_file_name_have_files_of_their_own(
    report: dict[str, Any], tmp_path: Path
) -> None:
    for version in ("a/b", "a:b", "a-b"):
        save_plots(tmp_path, version, "m", report)
    assert len(list(tmp_path.iterdir())) == 6
