"""Graders: what scores one run of a case. Those that ask a model are in `agents`."""

from goldloop.graders.grader import JUDGES, KINDS, Grade, Grader, When, failed_grade, grade_of
from goldloop.graders.grader_set import GraderSet, case_graders, expected_graders
from goldloop.graders.graders_file import read_graders
from goldloop.graders.kinds import grade_run
from goldloop.graders.pass_k import pass_hat_k

__all__ = [
    "JUDGES",
    "KINDS",
    "Grade",
    "Grader",
    "GraderSet",
    "When",
    "case_graders",
    "expected_graders",
    "failed_grade",
    "grade_of",
    "grade_run",
    "pass_hat_k",
    "read_graders",
]
