"""Ask models. Agent adapters, confidence by sampling and later the judge and synthetic generation.

Imports only `goldloop`. Settings and API keys come in as arguments; what a model sends is hostile
until it is checked; a failed call becomes an `AgentError` or a run that carries its error.
"""
