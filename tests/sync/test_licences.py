"""Licences, as the Hugging Face Hub and a version's card name them."""

from __future__ import annotations

import json

import pytest

from goldloop.licences import hub_licence, spdx_identifier
from sync.version_card import card

MANIFEST = {
    "dataset": "golden",
    "version": "1.0.0",
    "parent": None,
    "items": 1,
    "author": "ann",
    "created_at": "2026-01-02T03:04:05Z",
    "message": "",
    "reason": "the first version",
    "fingerprints": {"content": "c" * 64, "labels": "d" * 64},
}
ODD = '<b>*ours*: "x"'


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        *(("MIT", "mit"), ("CC-BY-SA-4.0", "cc-by-sa-4.0"), ("cc0-1.0", "cc0-1.0")),
        *(("ODC-By-1.0", "odc-by"), ("GPL-3.0-only", "gpl-3.0"), ("pddl", "pddl")),
    ],
)
def test_the_hub_is_told_its_own_name_of_a_licence(licence: str, name: str) -> None:
    assert hub_licence(licence) == {"license": name}


@pytest.mark.parametrize("licence", ["MIT OR Apache-2.0", "LicenseRef-Ours", "Blessing", "ours"])
def test_what_the_hub_does_not_know_is_another_licence_with_its_name(licence: str) -> None:
    assert hub_licence(licence) == {"license": "other", "license_name": licence}


def test_only_a_licence_of_spdx_s_list_has_an_identifier() -> None:
    assert spdx_identifier("apache-2.0") == "Apache-2.0"
    assert spdx_identifier("LicenseRef-Ours") is None
    assert spdx_identifier("") is None


def test_a_card_shows_a_licence_without_harm() -> None:
    made = card(MANIFEST | {"license": ODD}, [])
    assert f"license_name: {json.dumps(ODD)}\n" in made
    assert "- Licence: &lt;b&gt;&#42;ours&#42;" in made


def test_a_card_without_a_licence_names_none() -> None:
    assert "icen" not in card(MANIFEST, [])
