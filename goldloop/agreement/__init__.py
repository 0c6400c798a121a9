"""Agreement: how far annotators agree, one measure a file."""

from goldloop.agreement.rate import agreement_rate, all_equal

__all__ = ["agreement_rate", "all_equal"]
