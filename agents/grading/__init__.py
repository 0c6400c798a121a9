"""Grading: one door for every kind of grader, those that ask a model or call Python included.

What an agent and a judge say is hostile, and none of it raises: a grader that fails gives a grade
that says so, which is no failure of the agent. A case is data: it brings no code and no endpoint.
"""

from agents.grading.door import Grading

__all__ = ["Grading"]
