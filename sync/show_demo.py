"""What `goldloop demo` says, and the simulated annotators that finish the loop on request."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from goldloop.consensus import State
from goldloop.errors import VersionError
from store.consensus import stored_consensus
from store.database import Store
from store.tasks import expert_project
from sync import terminal
from sync.client import LabelStudioClient
from sync.commit import commit_version
from sync.demo import EXAMPLES, Demo, DemoSettings, running_demo
from sync.export import export_version
from sync.reconcile import reconcile
from sync.route import route_disputes
from sync.simulate import Key, SimulatedAnnotator, label_everything, read_answer_key
from views.version_folder import parse_reference

ERROR_RATES = (0.05, 0.12, 0.25)


def show_demo(
    simulate: bool, data: Path | None, port: int, backend_port: int, folder: Path | None
) -> None:
    """Run the demo until Ctrl-C, or, simulated, to its end."""
    home = Path(".goldloop")
    name = "demo" if data is None else f"demo-{data.resolve().parent.name}-{data.stem}"
    settings = DemoSettings(
        folder=(folder or home / name).resolve(),
        environment=(home / "label-studio").resolve(),
        data=(data or EXAMPLES / "cases.jsonl").resolve(),
        port=port,
        backend_port=backend_port,
    )
    try:
        with running_demo(settings, terminal.say) as demo:
            if simulate:
                _finish_loop(demo, settings, data or EXAMPLES / "answers.jsonl")
            else:
                _print_block(demo, settings)
                while True:
                    time.sleep(3600)
    except KeyboardInterrupt:
        terminal.say("stopped; everything is kept, and the next start takes seconds")


def _print_block(demo: Demo, settings: DemoSettings) -> None:
    people = "\n".join(f"      {one.email:20} {one.password}" for one in demo.annotators)
    terminal.result(f"""
Goldloop's demo is running.

  Label Studio   {settings.url}/projects/{demo.delivery.project_id}
  Accounts       (e-mail and password)
      {demo.admin.email:20} {demo.admin.password}
{people}
  Dashboard      {_dashboard(demo, settings)}

  What to do next
      1. Log in as ann and press "Label All Tasks": the least confident run comes first.
      2. Log in as ben in a private window and label some of the same tasks.
      3. In another terminal: goldloop -C {settings.folder} status
         then consensus, commit and export in the same way.

  Ctrl-C stops everything; what was labelled is kept.
""")


def _dashboard(demo: Demo, settings: DemoSettings) -> str:
    known = demo.project.settings.secrets
    address = f"http://127.0.0.1:{settings.backend_port}/dashboard/"
    return f"{address}\n      {known.backend_user:20} {known.backend_password}"


def _finish_loop(demo: Demo, settings: DemoSettings, answers: Path) -> None:
    """Simulated people label everything; then pull, consensus, version and export."""
    key = read_answer_key(answers)
    people = [
        SimulatedAnnotator(one.email, LabelStudioClient(settings.url, one.token), rate)
        for one, rate in zip(demo.annotators, ERROR_RATES, strict=True)
    ]
    db = demo.project.open_store()
    try:
        with demo.project.client() as client:
            _label(demo, db, client, people, key)
        results = stored_consensus(db)
        states = {state: sum(one.state is state for one in results) for state in State}
        found = ", ".join(f"{count} {state.value}" for state, count in states.items() if count)
        terminal.result(f"consensus: {found}")
        _commit_and_export(demo, db)
    finally:
        db.close()


def _label(
    demo: Demo,
    db: Store,
    client: LabelStudioClient,
    people: Sequence[SimulatedAnnotator],
    key: Key,
) -> None:
    """Everybody labels what the queue has; what they dispute goes to the third, who labels too, and
    then to an expert.
    """
    interface, total = demo.project.interface(), Counter[str]()
    for _ in people:  # nobody is asked twice, so this is turns enough
        with terminal.progress("labelling", None) as meter:
            total.update(
                label_everything(people, interface, demo.delivery.project_id, key, on_answer=meter)
            )
        reconcile(demo.project, db, client, full=True)
        routed = route_disputes(demo.project, db, client)
        # The worker, which runs beside this, may have asked first.
        if not (routed.asked or routed.waiting):
            break
    total["expert"] = _decide(demo, db, client, key)
    terminal.result("answers: " + ", ".join(f"{name} {count}" for name, count in total.items()))


def _decide(demo: Demo, db: Store, client: LabelStudioClient, key: Key) -> int:
    """An expert, who knows all answers, decides what the others could not settle; how many."""
    expert, decided = SimulatedAnnotator("expert", client, 0.0), 0
    # The worker sends cases too, so that some may come after a first look.
    while (experts := expert_project(db)) is not None:
        answers = label_everything([expert], demo.project.interface(), experts.project_id, key)
        if not answers["expert"]:
            break
        decided += answers["expert"]
        reconcile(demo.project, db, client, full=True)
        route_disputes(demo.project, db, client)
        # What was decided went back to the tasks, and is to be in the version.
        reconcile(demo.project, db, client, full=True)
    return decided


def _commit_and_export(demo: Demo, db: Store) -> None:
    name = demo.project.settings.dataset.name
    try:
        made = commit_version(demo.project, db, name, "from the demo")
        prints = made.manifest["fingerprints"]
        terminal.result(
            f"committed {name}@{made.manifest['version']}: {made.manifest['items']} items, "
            f"content {prints['content'][:12]}, labels {prints['labels'][:12]}"
        )
    except VersionError as error:
        terminal.result(f"no new version: {error}")
    root = demo.project.path(demo.project.settings.store.versions)
    dataset, version = parse_reference(root, name)
    target = demo.project.path(f"{dataset}-{version}.jsonl")
    made_of = export_version(root, dataset, version, "jsonl", target, force=True)
    terminal.result(f"exported {made_of.items} items to {target}")
