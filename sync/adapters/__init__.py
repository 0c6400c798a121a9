"""Result files of other tools, read as evaluations so that they can be gated the same way."""
