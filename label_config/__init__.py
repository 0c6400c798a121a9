"""Translate between our fields and Label Studio's XML, tasks, predictions and results.

Imports only `goldloop`. Also holds the labelling interfaces themselves. Text from a model or a user
is escaped here, before it reaches an annotator's screen; predictions are validated here.
"""
