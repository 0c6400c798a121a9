"""The sections of `goldloop.toml`: what there is to set, what it means, which values it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from goldloop.confidence.names import AUTO, ESTIMATORS, METHODS
from goldloop.prices import Price
from goldloop.settings.checks import (
    agent_kind,
    all_of,
    between,
    http_url,
    module_callable,
    not_empty,
    one_line,
    one_of,
    project_title,
    setting,
)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where things are kept, relative to the folder of goldloop.toml."""

    path: str = setting("goldloop.db", "the SQLite file that remembers everything", not_empty)
    versions: str = setting("versions", "the folder of the committed dataset versions", not_empty)


@dataclass(frozen=True, slots=True)
class LabelStudioSettings:
    """The Label Studio server and the project that people label in."""

    url: str = setting("http://localhost:8080", "also LABEL_STUDIO_URL", http_url)
    title: str = setting(
        "Goldloop review", "the title of the project that push creates", project_title
    )
    interface: str = setting(
        "agent_review", "the built-in interface, or the path of your own labelling interface (XML)"
    )
    annotators_per_task: int = setting(2, "how many people answer each task", between(1, 50))
    expert_title: str = setting(
        "Goldloop experts",
        "the title of the project in which experts decide what further annotators did not settle;"
        " empty: no such project",
        lambda value: project_title(value) if value else None,
    )
    gate_title: str = setting(
        "Goldloop gate",
        "the title of the project in which people judge the cases that a gate found flipped",
        project_title,
    )
    experts: tuple[str, ...] = setting(
        (),
        "e-mail addresses of the people whose answers count there; empty: whoever answers",
    )
    prefill: tuple[str, ...] = setting(
        (),
        "fields that annotators find filled in; a verdict should not be among them (anchoring);"
        " empty: expected_response, where the interface asks for it",
    )


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """The agent whose runs are labelled."""

    kind: str = setting(
        "recorded",
        "recorded (runs come with the samples), openai, http or python:module:callable",
        agent_kind,
    )
    version: str = setting(
        "", "names this version of the agent in every run; empty: the recorded version, or the kind"
    )
    url: str = setting("", "http: where samples are POSTed as JSON", http_url)
    model: str = setting("", "openai: the model's name")
    api: str = setting(
        "chat", "openai: chat (Chat Completions) or responses", one_of("chat", "responses")
    )
    stream: bool = setting(False, "openai: let answers stream in")
    base_url: str = setting("", "openai: any compatible endpoint; also OPENAI_BASE_URL", http_url)
    tools: str = setting("", "openai: a JSON file with the tool definitions")
    system_prompt: str = setting("", "openai: a text file with the system prompt")
    temperature: float = setting(0.7, "openai: the sampling temperature", between(0, 2))
    answers: int = setting(
        3, "answers to a sample, the first included, that agreement compares", between(1, 20)
    )
    execute: str = setting(
        "",
        "openai: module:TOOLS that runs the tools: a mapping of names to functions (which also"
        " defines them when tools is empty) or a callable given (name, arguments); empty: tool"
        " calls are recorded, not executed",
    )
    max_steps: int = setting(
        10, "openai: answers in one run while it executes tools", between(1, 100)
    )
    response_schema: str = setting(
        "", "openai: a JSON file with the JSON schema that answers have to fit"
    )
    max_output: int = setting(
        0, "openai: tokens of one answer; 0: as the endpoint does it", between(0, 10_000_000)
    )
    timeout: float = setting(60.0, "seconds that one answer may take", between(0.1, 3600))
    attempts: int = setting(
        4, "openai, http: calls for one answer when the endpoint is busy or broken", between(1, 20)
    )
    first_wait: float = setting(
        0.5, "openai, http: seconds before the second call; they double", between(0, 60)
    )
    concurrency: int = setting(16, "samples that are run at once", between(1, 256))


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """The model that writes synthetic samples. What is empty is as for the agent; its endpoint is
    [agent] base_url unless this has one.
    """

    model: str = setting("", "the model's name; empty: [agent] model")
    base_url: str = setting("", "any compatible endpoint; empty: [agent] base_url", http_url)
    api: str = setting("chat", "chat (Chat Completions) or responses", one_of("chat", "responses"))
    temperature: float = setting(
        0.9,
        "outside of 0.8 to 1.0 there is a warning: samples repeat, or fall apart",
        between(0, 2),
    )
    max_output: int = setting(
        4096, "tokens of one answer; 0: as the endpoint does it", between(0, 10_000_000)
    )
    concurrency: int = setting(16, "calls at once", between(1, 256))
    timeout: float = setting(120.0, "seconds that one call may take", between(0.1, 3600))
    attempts: int = setting(
        2, "tries to fill a place of the batch whose sample the rules reject", between(1, 10)
    )
    evolve: bool = setting(
        True, "whether medium and hard samples are made out of easier ones, step by step"
    )
    examples: int = setting(3, "samples of the pool shown in each prompt", between(0, 20))
    consistency: bool = setting(
        True, "whether the model solves each sample twice, to see whether the answer stands"
    )
    judge: str = setting(
        "",
        "the model that says whether two answers mean the same; empty: the one that writes them;"
        " embedding: no model, but how near they are by [selection] embedding",
    )
    min_characters: int = setting(8, "a shorter input is rejected", between(1, 10_000))
    max_characters: int = setting(4000, "a longer one as well", between(1, 1_000_000))
    near_duplicate: float = setting(
        0.7,
        "samples that share more of their words than this are one; 1: only the same text",
        between(0.01, 1),
    )
    spot_check: float = setting(0.1, "share of a batch that people look at", between(0, 1))
    min_spot_check: int = setting(50, "and no fewer than this", between(0, 100_000))
    max_rejected: float = setting(
        0.05,
        "a batch is stopped when people surely reject more than this: when the lower bound of the"
        " exact 95% interval is above it",
        between(0, 1),
    )
    title: str = setting(
        "Goldloop spot check", "the title of the project of the spot check", project_title
    )


@dataclass(frozen=True, slots=True)
class ConfidenceSettings:
    """What a run's confidence is made of. Agreement costs `[agent] answers` - 1 further answers of
    the agent for each sample, verbalized and the judge one call of a model each.
    """

    method: str = setting(
        AUTO,
        "the confidence that ranks: combined (the mean of agreement, logprob, process and"
        " verbalized, as far as there are), one estimator, reported (what the agent says along with"
        " its answer), or auto: reported, and combined for an agent that says nothing. Recorded"
        " runs keep the confidence that they came with",
        one_of(*METHODS),
    )
    estimators: tuple[str, ...] = setting(
        ("agreement", "logprob", "process", "verbalized"),
        "what is estimated: agreement, entropy (of the same answers), logprob, process, verbalized",
        all_of(*ESTIMATORS),
    )
    model: str = setting(
        "",
        "verbalized: the model that is asked how likely the answer is right; empty: the agent's"
        " own, for kind openai, and nobody for the others",
    )
    judge: str = setting(
        "",
        "agreement, entropy: the model that says which answers mean the same; empty: they are"
        " compared as text, whatever the case and the white space",
    )
    ordered_calls: bool = setting(
        False, "agreement, entropy: whether the order of tool calls has to be the same as well"
    )


@dataclass(frozen=True, slots=True)
class SelectionSettings:
    """Which samples people are asked about."""

    batch_size: int = setting(20, "samples in one batch", between(1, 1_000_000))
    uncertain_share: float = setting(
        0.7, "share of the batch taken by uncertainty; the rest is drawn at random", between(0, 1)
    )
    mode: str = setting(
        "hard",
        "hard: the share is the most uncertain, all of them. soft: the share is a chance that grows"
        " with uncertainty, so that labels say far more of the whole pool and find fewer failures",
        one_of("hard", "soft"),
    )
    soft_aim: str = setting(
        "failures",
        "soft: failures, or precision for the narrowest interval (4% narrower, 20% fewer failures)",
        one_of("failures", "precision"),
    )
    stratify: bool = setting(False, "whether what is drawn is spread over the tags as the pool is")
    min_per_tag: int = setting(
        0,
        "labels that every tag is to have, as far as the pool reaches; what is missing is drawn at"
        " random first. 50 is a good number where each tag is to be judged on its own",
        between(0, 100_000),
    )
    gold_checks: float = setting(
        0.1,
        "share of a batch that annotators get besides, out of settled tasks that they have not"
        " seen, to see how well they answer",
        between(0, 1),
    )
    novelty_boost: float = setting(
        0.2,
        "added to the uncertainty of what is novel: by its text, or by a tool path with a step that"
        " no labelled run has; 0: novelty is left out",
        between(0, 1),
    )
    novelty_cap: float = setting(
        0.3, "share of a batch that may be there only because it is novel", between(0, 1)
    )
    text_novelty: bool = setting(
        True, "whether texts are compared with those of labelled samples; tool paths always are"
    )
    novelty_quantile: float = setting(
        0.9, "a text is novel when it is more so than this share of the pool", between(0, 1)
    )
    novelty_floor: float = setting(
        0.6,
        "and when 1 - its cosine with the nearest labelled text is no less than this; an embedding"
        " wants a lower one",
        between(0, 1),
    )
    embedding: str = setting(
        "",
        "module:callable that turns a list of texts into an array of vectors, one each, to compare"
        " texts by; empty: hashed words and word pairs with TF-IDF",
        module_callable,
    )
    near_duplicate: float = setting(
        0.8,
        "texts that share more of their words than this do not come in one batch; 1: only the same"
        " text is left out; 0: nothing is",
        between(0, 1),
    )


@dataclass(frozen=True, slots=True)
class ConsensusSettings:
    """When a label stands."""

    min_annotators: int = setting(2, "answers before anything is decided", between(1, 50))
    method: str = setting(
        "auto",
        "how single choices are decided: auto, majority_posterior, weighted_vote, dawid_skene or"
        " hierarchical; auto learns each annotator's errors once there is enough to learn from",
        one_of("auto", "majority_posterior", "weighted_vote", "dawid_skene", "hierarchical"),
    )
    min_confidence: float = setting(
        0.7, "a label that the annotators' model gives less than this is disputed", between(0, 1)
    )
    max_additional: int = setting(
        1, "further annotators, one at a time, for a task that people disagree on", between(0, 48)
    )
    confidence_field: str = setting(
        "confidence", "the rating by which annotators say how sure they are; not voted on"
    )
    unvoted: tuple[str, ...] = setting(("notes",), "fields that are kept but not voted on")
    gold_fields: tuple[str, ...] = setting(
        (),
        "fields that must be settled before a sample is gold; empty: the required choices, or all"
        " choices where none is required",
    )


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """What an agent's confidence is learned from."""

    field: str = setting(
        "correctness",
        "the question (a single choice) that says whether the agent was right",
        not_empty,
    )
    correct: tuple[str, ...] = setting(
        ("correct",), "the answers to it that mean right; every other one means wrong"
    )


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """The golden set."""

    name: str = setting("golden", "the name of the dataset that commit writes", not_empty)
    license: str = setting(
        "",
        "the licence that versions name in their cards: an SPDX identifier such as CC-BY-4.0, or a"
        " text; empty: none",
        one_line,
    )


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How an agent is evaluated on a dataset version."""

    runs_per_case: int = setting(
        1,
        "runs of the agent on each case; 3 settle in 500 cases what 1 does in 1,500",
        between(1, 100),
    )
    graders: str = setting(
        "",
        "the file of graders (TOML or JSON); empty: graders.toml in the dataset's folder, and where"
        " there is none, what each case expects",
    )
    judge: str = setting(
        "",
        "the model, pinned to a version, that grades responses where no file names graders; empty:"
        " only tool calls are graded then",
    )
    judge_base_url: str = setting(
        "", "the endpoint that judges are asked at; empty: that of [agent]", http_url
    )
    max_errors: float = setting(
        0.05,
        "share of cases that may come to nothing; above it there is no verdict",
        between(0, 1),
    )


@dataclass(frozen=True, slots=True)
class GateSettings:
    """When an agent has got worse."""

    policy: str = setting(
        "significant",
        "point: blocks whatever drops by more than the margin, and so one unchanged agent in five."
        " significant: what does, and whose drop is no chance. noninferior: what is not shown to"
        " drop by less",
        one_of("point", "significant", "noninferior"),
    )
    metric: str = setting(
        "passed",
        "passed: the share of cases that pass; score: their mean score",
        one_of("passed", "score"),
    )
    margin: float = setting(
        0.02, "the drop that is put up with, as a share (0.02: 2 points)", between(0, 1)
    )
    alpha: float = setting(
        0.05, "how often an unchanged agent may be blocked", between(0.0001, 0.5)
    )
    slices: tuple[str, ...] = setting(
        (), 'slices that block by themselves, such as "tag:refund" or "difficulty:hard"'
    )
    min_slice: int = setting(50, "cases that such a slice must have", between(2, 100_000))
    smallest_drop: float = setting(
        0.05, "--strict: a gate that would miss a drop of this size has no evidence", between(0, 1)
    )
    judge_cases: int = setting(
        100,
        "labelled cases that a judge must have been compared on to block",
        between(1, 1_000_000),
    )
    judge_kappa: float = setting(
        0.4, "what the lower bound of its kappa with people must reach", between(-1, 1)
    )


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """The ML backend that serves stored runs to Label Studio."""

    host: str = setting("127.0.0.1", "the address that it listens on", not_empty)
    port: int = setting(9090, "the port that it listens on", between(1, 65535))
    url: str = setting(
        "",
        "how Label Studio reaches it; push registers it with the project when this is set",
        http_url,
    )
    webhook_url: str = setting(
        "", "where Label Studio sends what happens; empty: url with /webhook after it", http_url
    )
    workers: int = setting(
        1,
        "processes; more than one for an agent in Python that keeps the interpreter to itself."
        " Each asks the agent as often at once as [agent] concurrency says",
        between(1, 32),
    )
    threads: int = setting(
        16,
        "requests that each process answers at once; half of them may wait for the agent",
        between(2, 256),
    )
    deadline: float = setting(
        90.0,
        "seconds after which a request for predictions is answered with what there is; Label"
        " Studio waits for 100",
        between(0.1, 95),
    )
    queue: int = setting(
        10_000,
        "runs that may wait for the agent; what is more is not made until it is asked for again",
        between(1, 1_000_000),
    )
    failures: int = setting(
        5,
        "failures in a row after which an agent that is down is left alone for a while; one that"
        " may be the sample's own counts a quarter",
        between(1, 1000),
    )
    max_request_mb: int = setting(50, "larger requests are refused", between(1, 1000))


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The worker that pulls answers and updates consensus."""

    interval: float = setting(60.0, "seconds between two reconciliations", between(0.5, 86400))


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only the environment or `.env` may hold."""

    label_studio_api_key: str = field(default="", repr=False)
    openai_api_key: str = field(default="", repr=False)
    agent_authorization: str = field(default="", repr=False)
    backend_user: str = field(default="", repr=False)
    backend_password: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the verbs need to know, from one place."""

    store: StoreSettings = field(default_factory=StoreSettings)
    label_studio: LabelStudioSettings = field(default_factory=LabelStudioSettings)
    agent: AgentSettings = field(default_factory=AgentSettings)
    synthesis: SynthesisSettings = field(default_factory=SynthesisSettings)
    confidence: ConfidenceSettings = field(default_factory=ConfidenceSettings)
    selection: SelectionSettings = field(default_factory=SelectionSettings)
    consensus: ConsensusSettings = field(default_factory=ConsensusSettings)
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    backend: BackendSettings = field(default_factory=BackendSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    prices: Mapping[str, Price] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)


SECTIONS: dict[str, type[Any]] = {
    "store": StoreSettings,
    "label_studio": LabelStudioSettings,
    "agent": AgentSettings,
    "synthesis": SynthesisSettings,
    "confidence": ConfidenceSettings,
    "selection": SelectionSettings,
    "consensus": ConsensusSettings,
    "calibration": CalibrationSettings,
    "dataset": DatasetSettings,
    "evaluation": EvaluationSettings,
    "gate": GateSettings,
    "backend": BackendSettings,
    "worker": WorkerSettings,
}
PRICES = "prices"
PRICES_VARIABLE = "GOLDLOOP_PRICES"
SECRETS = {
    "label_studio_api_key": (
        "LABEL_STUDIO_API_KEY",
        "a personal access token or a legacy token (Label Studio: Account & Settings)",
    ),
    "openai_api_key": ("OPENAI_API_KEY", "for [agent] kind = openai"),
    "agent_authorization": (
        "GOLDLOOP_AGENT_AUTHORIZATION",
        "for [agent] kind = http: the Authorization header, such as: Bearer ...",
    ),
    "backend_user": ("GOLDLOOP_BACKEND_USER", "basic auth of the ML backend"),
    "backend_password": ("GOLDLOOP_BACKEND_PASSWORD", "basic auth of the ML backend"),
    "webhook_secret": (
        "GOLDLOOP_WEBHOOK_SECRET",
        "what Label Studio's webhook shows to be believed (a long random text)",
    ),
}
ALIASES = {"LABEL_STUDIO_URL": ("label_studio", "url"), "OPENAI_BASE_URL": ("agent", "base_url")}
