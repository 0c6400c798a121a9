"""The store's shape, as numbered migrations; each runs in one transaction and is never edited."""

from __future__ import annotations

import numpy as np
from sqlite_utils import Database, Migrations

from store.round_columns import FLAGS, FLOATS, Column, insert_columns, insert_frame

migrations = Migrations("goldloop")


@migrations()
def m001_pool(db: Database) -> None:
    """The project's own facts, the samples and what agents did on them."""
    db.executescript("""
    CREATE TABLE project (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE samples (
        sample_id TEXT PRIMARY KEY,
        user_input TEXT NOT NULL,
        difficulty TEXT CHECK (difficulty IN ('easy', 'medium', 'hard')),
        tags TEXT NOT NULL,
        source TEXT NOT NULL CHECK (source IN ('synthetic', 'trace', 'manual')),
        cluster_id TEXT,
        prn REAL NOT NULL CHECK (prn >= 0 AND prn < 1),
        record TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX samples_by_cluster ON samples (cluster_id) WHERE cluster_id IS NOT NULL;
    CREATE TABLE runs (
        run_id INTEGER PRIMARY KEY,
        sample_id TEXT NOT NULL REFERENCES samples,
        agent_version TEXT NOT NULL,
        response TEXT,
        tool_calls TEXT NOT NULL,
        tool_path TEXT NOT NULL,
        messages TEXT NOT NULL,
        confidence REAL CHECK (confidence BETWEEN 0 AND 1),
        confidence_method TEXT,
        error TEXT,
        input_tokens INTEGER,
        output_tokens INTEGER,
        seconds REAL,
        created_at TEXT NOT NULL,
        UNIQUE (sample_id, agent_version)
    ) STRICT;
    """)


@migrations()
def m002_rounds(db: Database) -> None:
    """Rounds with the scores of the whole pool, and the tasks that they became."""
    db.executescript("""
    CREATE TABLE rounds (
        round_id INTEGER PRIMARY KEY,
        agent_version TEXT NOT NULL,
        batch_size INTEGER NOT NULL,
        settings TEXT NOT NULL,
        pool_size INTEGER NOT NULL,
        pool_fingerprint TEXT NOT NULL,
        cutoff REAL,
        prn_level REAL,
        created_at TEXT NOT NULL,
        delivered_at TEXT
    ) STRICT;
    CREATE TABLE round_scores (
        round_id INTEGER NOT NULL REFERENCES rounds,
        sample_id TEXT NOT NULL REFERENCES samples,
        in_pool INTEGER NOT NULL,
        confidence REAL,
        novel INTEGER NOT NULL,
        uncertainty REAL NOT NULL,
        inclusion_probability REAL,
        reason TEXT CHECK (reason IN ('uncertain', 'random')),
        rank INTEGER,
        PRIMARY KEY (round_id, sample_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX round_scores_picked ON round_scores (sample_id) WHERE reason IS NOT NULL;
    CREATE TABLE label_studio_projects (
        project_id INTEGER PRIMARY KEY,
        url TEXT NOT NULL,
        title TEXT NOT NULL,
        label_config TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tasks (
        round_id INTEGER NOT NULL REFERENCES rounds,
        sample_id TEXT NOT NULL REFERENCES samples,
        project_id INTEGER NOT NULL REFERENCES label_studio_projects,
        chunk INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'delivered', 'deleted')),
        task_id INTEGER,
        sent_at TEXT,
        delivered_at TEXT,
        PRIMARY KEY (project_id, sample_id),
        UNIQUE (project_id, task_id)
    ) STRICT;
    """)


@migrations()
def m003_answers(db: Database) -> None:
    """Annotations as they came, every earlier form of them, and the consensus made of them."""
    db.executescript("""
    CREATE TABLE annotators (
        annotator_id INTEGER PRIMARY KEY,
        email TEXT NOT NULL,
        name TEXT NOT NULL
    ) STRICT;
    CREATE TABLE annotations (
        annotation_id INTEGER PRIMARY KEY,
        project_id INTEGER NOT NULL REFERENCES label_studio_projects,
        task_id INTEGER NOT NULL,
        sample_id TEXT NOT NULL REFERENCES samples,
        annotator_id INTEGER NOT NULL,
        updated_by INTEGER,
        result TEXT NOT NULL,
        was_cancelled INTEGER NOT NULL,
        ground_truth INTEGER NOT NULL,
        lead_time REAL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        deleted_at TEXT
    ) STRICT;
    CREATE INDEX annotations_by_sample ON annotations (sample_id);
    CREATE INDEX annotations_by_task ON annotations (project_id, task_id);
    CREATE TABLE annotation_history (
        history_id INTEGER PRIMARY KEY,
        annotation_id INTEGER NOT NULL,
        updated_by INTEGER,
        result TEXT NOT NULL,
        was_cancelled INTEGER NOT NULL,
        ground_truth INTEGER NOT NULL,
        lead_time REAL,
        updated_at TEXT NOT NULL,
        deleted_at TEXT,
        replaced_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX annotation_history_by_annotation ON annotation_history (annotation_id);
    CREATE TABLE consensus (
        sample_id TEXT PRIMARY KEY REFERENCES samples,
        state TEXT NOT NULL,
        agreement_rate REAL,
        annotators INTEGER NOT NULL,
        skips INTEGER NOT NULL,
        mean_confidence REAL,
        updated_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE field_consensus (
        sample_id TEXT NOT NULL REFERENCES consensus ON DELETE CASCADE,
        field TEXT NOT NULL,
        state TEXT NOT NULL,
        value TEXT,
        votes INTEGER NOT NULL,
        share REAL,
        agreement INTEGER,
        method TEXT NOT NULL,
        method_version INTEGER NOT NULL,
        PRIMARY KEY (sample_id, field)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE cursors (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    """)


@migrations()
def m004_inbox(db: Database) -> None:
    """Hints from webhooks, taken by the worker."""
    db.executescript("""
    CREATE TABLE inbox (
        event_id INTEGER PRIMARY KEY,
        action TEXT NOT NULL,
        project_id INTEGER,
        task_ids TEXT NOT NULL,
        annotation_ids TEXT NOT NULL,
        received_at TEXT NOT NULL,
        done_at TEXT
    ) STRICT;
    CREATE INDEX inbox_waiting ON inbox (event_id) WHERE done_at IS NULL;
    """)


@migrations()
def m005_further_annotators(db: Database) -> None:
    """Tasks that were given to more annotators than all others, because people disagreed."""
    db.executescript("""
    CREATE TABLE further_annotators (
        sample_id TEXT NOT NULL REFERENCES samples,
        project_id INTEGER NOT NULL,
        task_id INTEGER NOT NULL,
        overlap INTEGER NOT NULL,
        planned_at TEXT NOT NULL,
        confirmed_at TEXT,
        PRIMARY KEY (sample_id, overlap)
    ) STRICT, WITHOUT ROWID;
    """)


@migrations()
def m006_annotator_models(db: Database) -> None:
    """What was learned of each field's annotators, and what a method says beside its value."""
    db.executescript("""
    CREATE TABLE field_models (
        field TEXT PRIMARY KEY,
        record TEXT NOT NULL,
        annotations INTEGER NOT NULL,
        changed INTEGER NOT NULL DEFAULT 0,
        fitted_at TEXT NOT NULL
    ) STRICT;
    ALTER TABLE field_consensus ADD COLUMN confidence REAL;
    ALTER TABLE field_consensus ADD COLUMN vote TEXT;
    ALTER TABLE field_consensus ADD COLUMN spread REAL;
    ALTER TABLE field_consensus ADD COLUMN reason TEXT NOT NULL DEFAULT '';
    ALTER TABLE field_consensus ADD COLUMN warnings TEXT NOT NULL DEFAULT '[]';
    """)


@migrations()
def m007_posteriors(db: Database) -> None:
    """How probable each value of a field is, most probable first. How much has changed since the
    models were learned is counted for all fields at once now, among the cursors.
    """
    db.executescript("""
    ALTER TABLE field_consensus ADD COLUMN posterior TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE field_models DROP COLUMN changed;
    """)


@migrations()
def m008_experts(db: Database) -> None:
    """The experts' own project, what comes back from it, and settled tasks that are asked again."""
    db.executescript("""
    ALTER TABLE label_studio_projects ADD COLUMN role TEXT NOT NULL DEFAULT 'review'
        CHECK (role IN ('review', 'expert'));
    -- The plus keeps the index on the sample in use.
    CREATE VIEW review_annotations AS SELECT * FROM annotations WHERE +project_id IN
        (SELECT project_id FROM label_studio_projects WHERE role = 'review');
    CREATE TABLE returned_answers (
        annotation_id INTEGER PRIMARY KEY,
        project_id INTEGER NOT NULL,
        task_id INTEGER NOT NULL,
        unique_id TEXT NOT NULL,
        form TEXT NOT NULL,
        returned_id INTEGER,
        planned_at TEXT NOT NULL,
        confirmed_at TEXT
    ) STRICT;
    CREATE TABLE gold_checks (
        sample_id TEXT PRIMARY KEY REFERENCES samples,
        project_id INTEGER NOT NULL,
        task_id INTEGER NOT NULL,
        round_id INTEGER NOT NULL REFERENCES rounds,
        overlap INTEGER NOT NULL,
        voters TEXT NOT NULL,
        planned_at TEXT NOT NULL,
        confirmed_at TEXT
    ) STRICT;
    -- Answers to a gold check: of people who were asked when the sample was settled already.
    CREATE VIEW check_answers AS SELECT a.* FROM review_annotations a JOIN gold_checks g
        USING (sample_id) WHERE NOT a.ground_truth AND a.annotator_id NOT IN
        (SELECT value FROM json_each(g.voters));
    CREATE VIEW votes AS SELECT a.* FROM review_annotations a WHERE a.ground_truth OR NOT EXISTS
        (SELECT 1 FROM gold_checks g WHERE g.sample_id = a.sample_id AND a.annotator_id NOT IN
        (SELECT value FROM json_each(g.voters)));
    """)


@migrations()
def m009_claims(db: Database) -> None:
    """Hints are claimed by one of several workers, and set aside when they cannot be followed up;
    whose an annotation was belongs to its history.
    """
    db.executescript("""
    ALTER TABLE inbox ADD COLUMN claimed_until TEXT;
    ALTER TABLE inbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE inbox ADD COLUMN set_aside_at TEXT;
    ALTER TABLE inbox ADD COLUMN reason TEXT;
    DROP INDEX inbox_waiting;
    CREATE INDEX inbox_waiting ON inbox (event_id) WHERE done_at IS NULL AND set_aside_at IS NULL;
    CREATE VIEW waiting_hints AS SELECT * FROM inbox WHERE done_at IS NULL AND set_aside_at IS NULL;
    ALTER TABLE annotation_history ADD COLUMN annotator_id INTEGER;
    -- By our clock, unlike the other times: what was asked before then may not know of it.
    ALTER TABLE annotations ADD COLUMN stored_at TEXT;
    -- Samples whose annotations changed since their consensus was computed.
    CREATE TABLE stale_samples (sample_id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    """)


@migrations()
def m010_estimates(db: Database) -> None:
    """What each estimator of confidence said of a run, what the run cost, and why it ended."""
    db.executescript("""
    ALTER TABLE runs ADD COLUMN estimates TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE runs ADD COLUMN spent_input_tokens INTEGER;
    ALTER TABLE runs ADD COLUMN spent_output_tokens INTEGER;
    ALTER TABLE runs ADD COLUMN stop_reason TEXT;
    """)


@migrations()
def m011_calibrators(db: Database) -> None:
    """Calibrators of agents' confidence, what was selected with them, and the predictions that
    carry a new model version to tasks that were imported with another.
    """
    db.executescript("""
    CREATE TABLE calibrators (
        calibrator_id INTEGER PRIMARY KEY,
        agent_version TEXT NOT NULL,
        method TEXT NOT NULL,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('platt', 'isotonic')),
        parameters TEXT NOT NULL,
        report TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        created_at TEXT NOT NULL,
        UNIQUE (agent_version, method, number)
    ) STRICT;
    CREATE INDEX runs_by_confidence ON runs
        (agent_version, coalesce(confidence_method, ''), confidence) WHERE confidence IS NOT NULL;
    ALTER TABLE rounds ADD COLUMN calibrators TEXT NOT NULL DEFAULT '[]';
    -- The model version of the predictions that its tasks were imported with.
    ALTER TABLE rounds ADD COLUMN model_version TEXT;
    CREATE TABLE refreshed_predictions (
        project_id INTEGER NOT NULL REFERENCES label_studio_projects,
        model_version TEXT NOT NULL,
        sample_id TEXT NOT NULL REFERENCES samples,
        task_id INTEGER NOT NULL,
        sent_at TEXT NOT NULL,
        confirmed_at TEXT,
        PRIMARY KEY (project_id, model_version, task_id, sample_id)
    ) STRICT, WITHOUT ROWID;
    """)


@migrations()
def m012_wanted_runs(db: Database) -> None:
    """Runs that somebody waits for, who is at them, and which came after Label Studio had to be
    given an empty prediction in their place.
    """
    db.executescript("""
    CREATE TABLE wanted_runs (
        wanted_id INTEGER PRIMARY KEY,
        sample_id TEXT NOT NULL REFERENCES samples,
        agent_version TEXT NOT NULL,
        -- Whether it is to be made even when whoever claimed it gives up.
        queued INTEGER NOT NULL,
        wanted_at TEXT NOT NULL,
        claimed_by TEXT,
        claimed_until TEXT,
        attempts INTEGER NOT NULL DEFAULT 0,
        shown_empty INTEGER NOT NULL DEFAULT 0,
        late_at TEXT,
        UNIQUE (agent_version, sample_id)
    ) STRICT;
    CREATE INDEX wanted_runs_waiting ON wanted_runs (agent_version, wanted_id)
        WHERE queued AND late_at IS NULL;
    """)


@migrations()
def m013_replaced_runs(db: Database) -> None:
    """What runs took that failed and then gave way to another try: it was paid for all the same."""
    db.executescript("""
    CREATE TABLE replaced_runs (
        agent_version TEXT PRIMARY KEY,
        runs INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- Fires for REPLACE as well, because sqlite-utils turns recursive triggers on. No ON CONFLICT:
    -- inside a trigger the conflict rule of the statement outside holds.
    CREATE TRIGGER runs_replaced BEFORE DELETE ON runs WHEN old.error IS NOT NULL
        AND coalesce(old.spent_input_tokens, old.input_tokens) IS NOT NULL
        AND coalesce(old.spent_output_tokens, old.output_tokens) IS NOT NULL
    BEGIN
        INSERT INTO replaced_runs SELECT old.agent_version, 0, 0, 0 WHERE NOT EXISTS
            (SELECT 1 FROM replaced_runs WHERE agent_version = old.agent_version);
        UPDATE replaced_runs SET runs = runs + 1,
            input_tokens = input_tokens + coalesce(old.spent_input_tokens, old.input_tokens),
            output_tokens = output_tokens + coalesce(old.spent_output_tokens, old.output_tokens)
            WHERE agent_version = old.agent_version;
    END;
    """)


@migrations()
def m014_sampling_designs(db: Database) -> None:
    """A round is a sampling design that can be checked: the columns of its whole frame as arrays,
    its picks as rows, and nothing about a past round can change.
    """
    db.executescript("""
    -- Every sample that was scored, whether it could be picked or not: as a JSON list through zlib,
    -- named by the SHA-256 of the ids with newlines between.
    CREATE TABLE sampling_frames (
        fingerprint TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        sample_ids BLOB NOT NULL
    ) STRICT;
    -- One value for each sample of the frame, in its order: little-endian numbers of this type.
    CREATE TABLE round_columns (
        round_id INTEGER NOT NULL REFERENCES rounds,
        name TEXT NOT NULL,
        type TEXT NOT NULL CHECK (type IN ('float64', 'uint8')),
        content BLOB NOT NULL,
        PRIMARY KEY (round_id, name)
    ) STRICT;
    CREATE TABLE picks (
        round_id INTEGER NOT NULL REFERENCES rounds,
        sample_id TEXT NOT NULL REFERENCES samples,
        reason TEXT NOT NULL CHECK (reason IN ('uncertain', 'novel', 'random')),
        rank INTEGER NOT NULL,
        confidence REAL,
        novel INTEGER NOT NULL,
        uncertainty REAL NOT NULL,
        inclusion_probability REAL NOT NULL,
        PRIMARY KEY (round_id, sample_id),
        UNIQUE (round_id, rank)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX picks_by_sample ON picks (sample_id);
    CREATE TABLE near_duplicates (
        round_id INTEGER NOT NULL REFERENCES rounds,
        sample_id TEXT NOT NULL REFERENCES samples,
        duplicate_of TEXT NOT NULL REFERENCES samples,
        PRIMARY KEY (round_id, sample_id)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE rounds ADD COLUMN mode TEXT NOT NULL DEFAULT 'hard'
        CHECK (mode IN ('hard', 'soft'));
    ALTER TABLE rounds ADD COLUMN frame TEXT REFERENCES sampling_frames;
    ALTER TABLE rounds ADD COLUMN cutoff_tie REAL;
    -- What the shares of a soft round were multiplied by.
    ALTER TABLE rounds ADD COLUMN scale REAL;
    -- The names of the methods that the column "method" counts from 0.
    ALTER TABLE rounds ADD COLUMN methods TEXT NOT NULL DEFAULT '[]';
    -- SHA-256 over everything that is recorded of it; none for rounds of an older Goldloop.
    ALTER TABLE rounds ADD COLUMN fingerprint TEXT;
    INSERT INTO picks SELECT round_id, sample_id, reason, rank, confidence, novel, uncertainty,
        inclusion_probability FROM round_scores WHERE reason IS NOT NULL;
    """)
    for (round_id,) in db.execute("SELECT round_id FROM rounds ORDER BY 1").fetchall():
        _turn_into_columns(db, round_id)
    db.executescript("DROP TABLE round_scores;" + _FROZEN)


# Only when a round was delivered, and as which model version, is known later than the round.
_FROZEN = """
    CREATE TRIGGER rounds_stay BEFORE UPDATE OF round_id, agent_version, batch_size, settings,
        pool_size, pool_fingerprint, cutoff, prn_level, created_at, calibrators, mode, frame,
        cutoff_tie, scale, methods, fingerprint ON rounds
        BEGIN SELECT raise(ABORT, 'a round is never changed'); END;
    CREATE TRIGGER rounds_are_kept BEFORE DELETE ON rounds
        BEGIN SELECT raise(ABORT, 'a round is never changed'); END;
    CREATE TRIGGER samples_keep_prn BEFORE UPDATE OF prn ON samples WHEN new.prn IS NOT old.prn
        BEGIN SELECT raise(ABORT, 'a permanent random number is never changed'); END;
""" + "".join(
    f"""
    CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}
        BEGIN SELECT raise(ABORT, 'a round is never changed'); END;"""
    for table in ("sampling_frames", "round_columns", "picks", "near_duplicates")
    for verb in ("UPDATE", "DELETE")
)


def _turn_into_columns(db: Database, round_id: int) -> None:
    """The rows of a round's scores, as they were kept before, as columns."""
    rows = db.execute(
        "SELECT sample_id, in_pool, confidence, novel, uncertainty, inclusion_probability,"
        " coalesce(in_pool AND inclusion_probability >= 1, 0) OR coalesce(NOT in_pool AND"
        " uncertainty > cutoff, 0), coalesce(prn_level, 0.0) FROM round_scores"
        " JOIN rounds USING (round_id) WHERE round_id = ? ORDER BY sample_id",
        [round_id],
    ).fetchall()
    ids, in_pool, confidence, novel, uncertainty, probability, certain, level = (
        zip(*rows, strict=True) if rows else [()] * 8
    )
    columns: dict[str, Column] = {
        "in_pool": np.array(in_pool, dtype=FLAGS),
        "confidence": np.array(confidence, dtype=FLOATS),
        "novel": np.array(novel, dtype=FLAGS),
        "uncertainty": np.array(uncertainty, dtype=FLOATS),
        "level": np.array(level, dtype=FLOATS),
        "inclusion_probability": np.array(probability, dtype=FLOATS),
        "certain": np.array(certain, dtype=FLAGS),
    }
    insert_columns(db, round_id, columns)
    frame = insert_frame(db, ids)
    db.execute("UPDATE rounds SET frame = ? WHERE round_id = ?", [frame, round_id])


@migrations()
def m015_runs_by_version(db: Database) -> None:
    """Which agent versions there are is asked all the time."""
    db.executescript("CREATE INDEX runs_by_version ON runs (agent_version);")


@migrations()
def m016_synthesis(db: Database) -> None:
    """Batches of synthetic samples, every attempt at each of their slots, and every call that was
    paid for.
    """
    db.executescript("""
    CREATE TABLE synthesis_batches (
        batch INTEGER PRIMARY KEY,
        created_at TEXT NOT NULL,
        state TEXT NOT NULL
            CHECK (state IN ('writing', 'filtering', 'checking', 'accepted', 'stopped')),
        count INTEGER NOT NULL,
        prompt_version TEXT NOT NULL,
        model TEXT NOT NULL,
        seed INTEGER NOT NULL,
        -- The task, the tools, the count and the settings; a generation goes on for the same.
        inputs TEXT NOT NULL,
        slots TEXT NOT NULL,
        -- The samples that prompts show, by capability.
        examples TEXT NOT NULL,
        price TEXT,
        focus TEXT,
        accepted_at TEXT,
        how TEXT CHECK (how IN ('spot_check', 'unchecked'))
    ) STRICT;
    CREATE TABLE synthesis_candidates (
        batch INTEGER NOT NULL REFERENCES synthesis_batches,
        slot INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        difficulty TEXT NOT NULL,
        capability TEXT NOT NULL,
        persona TEXT NOT NULL,
        style TEXT NOT NULL,
        intent TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN
            ('written', 'passed', 'rejected', 'needs_human', 'kept', 'human_rejected')),
        stage TEXT CHECK (stage IN ('call', 'rules', 'consistency', 'spot_check')),
        reason TEXT,
        said TEXT,
        -- None of the following where the call brought no sample.
        sample_id TEXT,
        prn REAL,
        record TEXT,
        provenance TEXT,
        -- Whether a person found it good, and what they wrote; none where nobody looked at it.
        verdict INTEGER CHECK (verdict IN (0, 1)),
        human_said TEXT,
        PRIMARY KEY (batch, slot, attempt)
    ) STRICT;
    CREATE INDEX synthesis_candidates_by_sample ON synthesis_candidates (sample_id);
    -- The key names everything that was asked; a batch that asks it again gets this reply, unpaid.
    -- Tries that brought none are "lost", and there may be several of a key.
    CREATE TABLE synthesis_calls (
        call_id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        batch INTEGER NOT NULL REFERENCES synthesis_batches,
        slot INTEGER,
        attempt INTEGER,
        purpose TEXT NOT NULL,
        step INTEGER,
        status TEXT NOT NULL CHECK (status IN ('answered', 'refused', 'truncated', 'lost')),
        request_id TEXT,
        input_tokens INTEGER,
        output_tokens INTEGER,
        usd TEXT,
        reply TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX synthesis_calls_by_key ON synthesis_calls (batch, key)
        WHERE status != 'lost';
    """)


@migrations()
def m017_spot_checks(db: Database) -> None:
    """The spot checks of synthetic batches: the project in Label Studio, what was drawn, the tasks,
    and every form of every answer. They are no samples of the pool yet, and their tasks are none of
    the review's.
    """
    db.executescript("""
    CREATE TABLE spot_check_projects (
        project_id INTEGER PRIMARY KEY,
        url TEXT NOT NULL,
        title TEXT NOT NULL,
        label_config TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE spot_checks (
        batch INTEGER PRIMARY KEY REFERENCES synthesis_batches,
        planned_at TEXT NOT NULL,
        -- How many samples of each difficulty the drawn ones stand for.
        population TEXT NOT NULL,
        max_rejected REAL NOT NULL,
        decision TEXT CHECK (decision IN ('accepted', 'stopped')),
        decided_at TEXT,
        -- What the decision was made from.
        result TEXT
    ) STRICT;
    CREATE TABLE spot_check_tasks (
        batch INTEGER NOT NULL REFERENCES spot_checks,
        sample_id TEXT NOT NULL,
        purpose TEXT NOT NULL CHECK (purpose IN ('drawn', 'needs_human')),
        difficulty TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'delivered', 'deleted')),
        project_id INTEGER REFERENCES spot_check_projects,
        task_id INTEGER,
        sent_at TEXT,
        PRIMARY KEY (batch, sample_id)
    ) STRICT;
    CREATE TABLE spot_check_answers (
        project_id INTEGER NOT NULL REFERENCES spot_check_projects,
        annotation_id INTEGER NOT NULL,
        updated_at TEXT NOT NULL,
        batch INTEGER NOT NULL,
        sample_id TEXT NOT NULL,
        task_id INTEGER NOT NULL,
        annotator_id INTEGER NOT NULL,
        result TEXT NOT NULL,
        was_cancelled INTEGER NOT NULL,
        lead_time REAL,
        created_at TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        -- When a person took it back; one whose whole task was deleted stands.
        deleted_at TEXT,
        PRIMARY KEY (project_id, annotation_id, updated_at),
        FOREIGN KEY (batch, sample_id) REFERENCES spot_check_tasks
    ) STRICT;
    CREATE INDEX spot_check_answers_by_sample ON spot_check_answers (batch, sample_id);
    """)


_FINISHED = (
    "SELECT 1 FROM evaluations WHERE evaluation_id = {}.evaluation_id AND finished_at IS NOT NULL"
)
_EVALUATIONS_STAY = """
    CREATE TRIGGER evaluations_stay BEFORE UPDATE ON evaluations WHEN old.finished_at IS NOT NULL
        BEGIN SELECT raise(ABORT, 'a finished evaluation is never changed'); END;
    CREATE TRIGGER evaluations_are_kept BEFORE DELETE ON evaluations
        BEGIN SELECT raise(ABORT, 'an evaluation is never deleted'); END;
    CREATE TRIGGER gates_stay BEFORE UPDATE ON gates
        BEGIN SELECT raise(ABORT, 'a gate is never changed'); END;
    CREATE TRIGGER gates_are_kept BEFORE DELETE ON gates
        BEGIN SELECT raise(ABORT, 'a gate is never changed'); END;
""" + "".join(
    f"""
    CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}
        WHEN EXISTS ({_FINISHED.format("new" if verb == "INSERT" else "old")})
        BEGIN SELECT raise(ABORT, 'a finished evaluation is never changed'); END;"""
    for table in ("evaluation_cases", "evaluation_attempts", "evaluation_grades")
    for verb in ("INSERT", "UPDATE", "DELETE")
)


@migrations()
def m018_evaluations(db: Database) -> None:
    """Evaluations with their cases, attempts and grades, and gates. The cases come from a version's
    folder, so they may not be in the pool.
    """
    db.executescript(
        """
    CREATE TABLE evaluations (
        evaluation_id INTEGER PRIMARY KEY,
        -- What an evaluation goes on for: the same cases, agent, graders and runs per case.
        plan TEXT NOT NULL,
        dataset TEXT NOT NULL,
        version TEXT NOT NULL,
        content_fingerprint TEXT NOT NULL,
        labels_fingerprint TEXT NOT NULL,
        agent_version TEXT NOT NULL,
        agent TEXT NOT NULL,
        graders TEXT NOT NULL,
        graders_fingerprint TEXT NOT NULL,
        pass_score REAL,
        runs_per_case INTEGER NOT NULL,
        branch TEXT,
        message TEXT,
        notes TEXT NOT NULL,
        created_at TEXT NOT NULL,
        finished_at TEXT,
        -- Of all the times that it was worked at.
        seconds REAL NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX evaluations_by_plan ON evaluations (plan);
    CREATE TABLE evaluation_cases (
        evaluation_id INTEGER NOT NULL REFERENCES evaluations,
        sample_id TEXT NOT NULL,
        content TEXT NOT NULL,
        user_input TEXT NOT NULL,
        cluster_id TEXT,
        tags TEXT NOT NULL,
        difficulty TEXT,
        source TEXT,
        inclusion_probability REAL,
        task_url TEXT,
        PRIMARY KEY (evaluation_id, sample_id)
    ) STRICT;
    -- Counted from 0. Stored when the agent has answered; graded_at follows with the last grade.
    CREATE TABLE evaluation_attempts (
        evaluation_id INTEGER NOT NULL,
        sample_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        response TEXT,
        tool_calls TEXT NOT NULL,
        messages TEXT NOT NULL,
        error TEXT,
        stop_reason TEXT,
        seconds REAL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        usd TEXT,
        created_at TEXT NOT NULL,
        graded_at TEXT,
        PRIMARY KEY (evaluation_id, sample_id, attempt),
        FOREIGN KEY (evaluation_id, sample_id) REFERENCES evaluation_cases
    ) STRICT;
    CREATE TABLE evaluation_grades (
        evaluation_id INTEGER NOT NULL,
        sample_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        grader TEXT NOT NULL,
        score REAL,
        passed INTEGER CHECK (passed IN (0, 1)),
        reason TEXT NOT NULL,
        details TEXT NOT NULL,
        error TEXT,
        PRIMARY KEY (evaluation_id, sample_id, attempt, grader),
        FOREIGN KEY (evaluation_id, sample_id, attempt) REFERENCES evaluation_attempts
    ) STRICT;
    CREATE TABLE gates (
        gate_id INTEGER PRIMARY KEY,
        candidate_id INTEGER NOT NULL REFERENCES evaluations,
        baseline_id INTEGER REFERENCES evaluations,
        status TEXT NOT NULL,
        record TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX gates_by_candidate ON gates (candidate_id);
    """
        + _EVALUATIONS_STAY
    )


@migrations()
def m019_gate_reviews(db: Database) -> None:
    """What people say of the cases that a gate found flipped: the project in Label Studio, the
    tasks as they were made, and every form of every answer. They are none of the review's, whose
    answers speak of another run.
    """
    db.executescript("""
    CREATE TABLE gate_review_projects (
        project_id INTEGER PRIMARY KEY,
        url TEXT NOT NULL,
        title TEXT NOT NULL,
        label_config TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE gate_review_tasks (
        -- The candidate's, of which one attempt is shown.
        evaluation_id INTEGER NOT NULL REFERENCES evaluations,
        sample_id TEXT NOT NULL,
        gate_id INTEGER NOT NULL REFERENCES gates,
        direction TEXT NOT NULL CHECK (direction IN ('regressed', 'recovered')),
        attempt INTEGER NOT NULL,
        -- As Label Studio imports it.
        task TEXT NOT NULL,
        planned_at TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'delivered', 'deleted')),
        project_id INTEGER REFERENCES gate_review_projects,
        task_id INTEGER,
        sent_at TEXT,
        PRIMARY KEY (evaluation_id, sample_id)
    ) STRICT;
    CREATE TABLE gate_review_answers (
        project_id INTEGER NOT NULL REFERENCES gate_review_projects,
        annotation_id INTEGER NOT NULL,
        updated_at TEXT NOT NULL,
        evaluation_id INTEGER NOT NULL,
        sample_id TEXT NOT NULL,
        task_id INTEGER NOT NULL,
        annotator_id INTEGER NOT NULL,
        result TEXT NOT NULL,
        was_cancelled INTEGER NOT NULL,
        lead_time REAL,
        created_at TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        -- When a person took it back; one whose whole task was deleted stands.
        deleted_at TEXT,
        PRIMARY KEY (project_id, annotation_id, updated_at),
        FOREIGN KEY (evaluation_id, sample_id) REFERENCES gate_review_tasks
    ) STRICT;
    CREATE INDEX gate_review_answers_by_sample ON gate_review_answers (evaluation_id, sample_id);
    """)


@migrations()
def m020_counts(db: Database) -> None:
    """What status counts is answered by indexes: nothing reads a million rows for it."""
    db.executescript("""
    CREATE INDEX annotations_by_annotator ON annotations
        (annotator_id, was_cancelled, deleted_at, lead_time, project_id);
    CREATE INDEX runs_that_failed ON runs (agent_version) WHERE error IS NOT NULL;
    -- Most rows are as most are, and are what is left when the others are counted.
    CREATE INDEX consensus_not_agreed ON consensus (state) WHERE state != 'agreed';
    CREATE INDEX tasks_not_delivered ON tasks (state, project_id) WHERE state != 'delivered';
    """)
