"""Settings: one frozen object, made at the door from `goldloop.toml` and the environment.

This package parses; `store.settings` reads the files. Every setting is a dataclass field whose
metadata says what it does, so that `goldloop init` writes a commented file that cannot go stale.
A setting `[section] key` is overridden by the environment variable `GOLDLOOP_SECTION_KEY`. Secrets
come from the environment or `.env` alone and show in no repr.
"""

from goldloop.settings.parsing import parse_settings
from goldloop.settings.sections import (
    ALIASES,
    PRICES_VARIABLE,
    SECRETS,
    SECTIONS,
    AgentSettings,
    BackendSettings,
    CalibrationSettings,
    ConfidenceSettings,
    ConsensusSettings,
    DatasetSettings,
    EvaluationSettings,
    GateSettings,
    LabelStudioSettings,
    Secrets,
    SelectionSettings,
    Settings,
    StoreSettings,
    SynthesisSettings,
    WorkerSettings,
)
from goldloop.settings.templates import environment_template, settings_template

__all__ = [
    "ALIASES",
    "PRICES_VARIABLE",
    "SECRETS",
    "SECTIONS",
    "AgentSettings",
    "BackendSettings",
    "CalibrationSettings",
    "ConfidenceSettings",
    "ConsensusSettings",
    "DatasetSettings",
    "EvaluationSettings",
    "GateSettings",
    "LabelStudioSettings",
    "Secrets",
    "SelectionSettings",
    "Settings",
    "StoreSettings",
    "SynthesisSettings",
    "WorkerSettings",
    "environment_template",
    "parse_settings",
    "settings_template",
]
