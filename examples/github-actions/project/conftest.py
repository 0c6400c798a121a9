"""Lets the tests import the agent, which lies beside this file."""
