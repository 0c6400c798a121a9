"""Agreement: how far annotators agree, one measure or family of measures a file.

`field_agreement` summarises a field with the measure that fits its kind; the measures themselves
take a count table (tasks x options), two people's confusion matrix, or a pair of answers.
"""

from goldloop.agreement.alpha import alpha_draws, krippendorff_alpha
from goldloop.agreement.bootstrap import Interval, bootstrap_interval, mean_interval
from goldloop.agreement.breakdown import (
    PairAgreement,
    PeriodAgreement,
    agreement_by_slice,
    agreement_over_time,
    annotator_pairs,
    option_alphas,
)
from goldloop.agreement.counts import CountTable, count_columns, count_matrix, count_table
from goldloop.agreement.enterprise import (
    consensus_score,
    consensus_scores,
    pairwise_score,
    pairwise_scores,
)
from goldloop.agreement.field import Estimate, FieldAgreement, field_agreement
from goldloop.agreement.fleiss import fleiss_kappa, fleiss_kappa_draws
from goldloop.agreement.gwet import ac1_draws, ac2_draws, gwet_ac1, gwet_ac2
from goldloop.agreement.kappa import (
    cohen_kappa,
    cohen_kappa_interval,
    confusion_matrix,
    scott_pi,
)
from goldloop.agreement.pair_scores import mean_pair_score, pair_score_means
from goldloop.agreement.percent import percent_agreement, percent_draws
from goldloop.agreement.rate import agreement_rate, all_equal
from goldloop.agreement.sets import jaccard, masi, set_alpha, set_alpha_draws
from goldloop.agreement.taxonomy import path_credit, taxonomy_credit
from goldloop.agreement.text import exact_match, token_f1

__all__ = [
    "CountTable",
    "Estimate",
    "FieldAgreement",
    "Interval",
    "PairAgreement",
    "PeriodAgreement",
    "ac1_draws",
    "ac2_draws",
    "agreement_by_slice",
    "agreement_over_time",
    "agreement_rate",
    "all_equal",
    "alpha_draws",
    "annotator_pairs",
    "bootstrap_interval",
    "cohen_kappa",
    "cohen_kappa_interval",
    "confusion_matrix",
    "consensus_score",
    "consensus_scores",
    "count_columns",
    "count_matrix",
    "count_table",
    "exact_match",
    "field_agreement",
    "fleiss_kappa",
    "fleiss_kappa_draws",
    "gwet_ac1",
    "gwet_ac2",
    "jaccard",
    "krippendorff_alpha",
    "masi",
    "mean_interval",
    "mean_pair_score",
    "option_alphas",
    "pair_score_means",
    "pairwise_score",
    "pairwise_scores",
    "path_credit",
    "percent_agreement",
    "percent_draws",
    "scott_pi",
    "set_alpha",
    "set_alpha_draws",
    "taxonomy_credit",
    "token_f1",
]
