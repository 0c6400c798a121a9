"""A dataset's licence, as those who read its metadata want it written."""

from __future__ import annotations

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

# https://huggingface.co/docs/hub/repositories-licenses: what the Hub takes for data, and the
# licences of software that data is given away under.
_ON_THE_HUB = frozenset(
    (
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "mpl-2.0", "unlicense"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0"),
        *("cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
        *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
        *("cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "c-uda"),
        *("odc-by", "odbl", "pddl", "etalab-2.0", "eupl-1.1", "eupl-1.2"),
        *("gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "agpl-3.0"),
    )
)
# What the Hub calls otherwise than SPDX.
_OTHER_NAMES = {"c-uda-1.0": "c-uda", "odc-by-1.0": "odc-by", "odbl-1.0": "odbl"}
_OTHER_NAMES |= {"pddl-1.0": "pddl"}
_OTHER_NAMES |= {f"{one}-only": one for one in _ON_THE_HUB if "gpl-" in one}


def spdx_identifier(licence: str) -> str | None:
    """The one identifier of SPDX's list that a licence is, as SPDX writes it; None for other texts,
    for several licences and for one of somebody's own (LicenseRef-).

    >>> spdx_identifier("cc-by-4.0"), spdx_identifier("MIT OR Apache-2.0"), spdx_identifier("ours")
    ('CC-BY-4.0', None, None)
    """
    try:
        found = str(canonicalize_license_expression(licence))
    except InvalidLicenseExpression:
        return None
    return None if " " in found or found.startswith("LicenseRef-") else found


def hub_licence(licence: str) -> dict[str, str]:
    """The keys of a card of the Hugging Face Hub, which refuses licences that it does not know:
    those are `other`, with their name; nothing for no licence.

    >>> hub_licence("CC-BY-4.0"), hub_licence("ODbL-1.0"), hub_licence("")
    ({'license': 'cc-by-4.0'}, {'license': 'odbl'}, {})
    >>> hub_licence("Internal use only")
    {'license': 'other', 'license_name': 'Internal use only'}
    """
    if not licence:
        return {}
    name = (spdx_identifier(licence) or licence).lower()
    known = _OTHER_NAMES.get(name, name)
    if known in _ON_THE_HUB:
        return {"license": known}
    return {"license": "other", "license_name": licence}


def licence_link(licence: str) -> str:
    """What Croissant recommends: the page of a licence that SPDX lists; any other text as it is.

    >>> licence_link("mit"), licence_link("Internal use only")
    ('https://spdx.org/licenses/MIT', 'Internal use only')
    """
    found = spdx_identifier(licence)
    return f"https://spdx.org/licenses/{found}" if found else licence
