"""Graders: what scores one run of a case. Those that ask a model are in `agents`."""

from goldloop.graders.grader import JUDGES, KINDS, Grade, Grader, When, failed_grade, grade_of

__all__ = ["JUDGES", "KINDS", "Grade", "Grader", "When", "failed_grade", "grade_of"]
