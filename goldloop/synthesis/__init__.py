"""Synthetic samples: which to ask for, what is wrong with those that came, and when to stop.

A batch fills a grid (`grid`) with candidates. `rules` finds what is wrong without asking anybody,
`consistency` what a second look of the model does not confirm, and `spot_check` says how many a
person has to see and what their verdicts mean. `diversity` measures a batch.
"""
