"""How much of a dataset version people stand behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from goldloop.versions import Item

# Below this share of items that annotators labelled, a version is mostly what models say.
FEWEST_LABELLED = 0.3
ANNOTATORS, SPOT_CHECK = "annotators", "spot_check"
# The evidence of synthetic items that nobody labelled: looked at by a person, or by nobody.
SPOT_CHECKED, UNVERIFIED = "spot_checked", "unverified"


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts of a version's items: those with labels by annotators, those that a person found good
    in a spot check (some of which are labelled as well), those that a model wrote, and those that
    nobody looked at.
    """

    items: int
    human_labelled: int
    spot_checked: int
    synthetic: int
    unverified: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever uses the version has to know; empty for an empty version.

        >>> Quality(10, 2, 0, 8, 8).warnings
        ('only 2 of 10 items (20%) are labelled by annotators, fewer than 30%: what is measured with this version is mostly what a model thinks; label more of it: goldloop push --batch-size 20',)
        >>> Quality(10, 3, 0, 7, 7).warnings
        ()
        """  # noqa: E501 - a warning is one line
        if self.human_labelled >= FEWEST_LABELLED * self.items:
            return ()
        return (
            f"only {self.human_labelled} of {self.items} items"
            f" ({self.human_labelled / self.items:.0%}) are labelled by annotators, fewer than"
            f" {FEWEST_LABELLED:.0%}: what is measured with this version is mostly what a model"
            " thinks; label more of it: goldloop push --batch-size 20",
        )


def quality_of(items: Iterable[Item]) -> Quality:
    """Count the items of a version, also of one that an older Goldloop wrote."""
    items = list(items)
    people = [verified_by(item) for item in items]
    return Quality(
        items=len(items),
        human_labelled=sum(ANNOTATORS in one for one in people),
        spot_checked=sum(SPOT_CHECK in one for one in people),
        synthetic=sum(item.get("source") == "synthetic" for item in items),
        unverified=sum(not one for one in people),
    )


def verified_by(item: Item) -> tuple[str, ...]:
    """Who stands behind an item: ANNOTATORS, who labelled it, and SPOT_CHECK; empty for nobody.

    An item without labels that no evidence calls unverified comes from an older version, which
    held nothing but what annotators agreed on.

    >>> verified_by({"labels": {}, "evidence": {"state": "unverified", "verified_by": []}})
    ()
    >>> verified_by({"labels": {"correctness": "correct"}, "evidence": {"state": "agreed"}})
    ('annotators',)
    """
    said = (item.get("evidence") or {}).get("verified_by")
    return (ANNOTATORS,) if said is None else tuple(said)
