"""Carrying a campaign out: wave after wave, by the machine's clock or by a virtual one."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from contactflow.bootstrap import inbox_at_hand, open_desk, open_workspace
from contactflow.checking import check_context, check_one, flow_file
from contactflow.requesting import Requests
from contactflow.returning import Tally, intake_of, take_in_returned
from contactflow.rules import Rules
from contactflow.settings import environment
from contactflow.stopping import gently
from engine.agenda import next_due
from engine.campaigns import open_versions, start
from engine.interventions import Intervened, halt_of
from engine.opened import Opened
from engine.prefect_server import ADDRESS, POOL, QUIET, prefect_at_hand
from engine.promote import Decided
from engine.running import Running
from store.clock import EPOCH, SystemClock
from store.errors import SettingsError
from store.session import reading

NO_SERVER = "Workers need a Prefect server that all of them reach: docs/how-to/several-machines.md. Set PREFECT_API_URL to it."
OPENER = "contactflow.bootstrap:open_campaign"
CAME_BACK = "take in returned mail"
TICK = timedelta(minutes=1)  # what is due within a minute is carried out together

Told = Callable[[datetime, tuple[tuple[str, int], ...]], None]


@dataclass(frozen=True)
class Carried:
    """What a run did: waves, and what could not work (node, why)."""

    campaign: str
    waves: int
    counts: dict[str, int]
    troubles: tuple[tuple[str, str], ...]
    next_due: datetime | None
    decisions: tuple[Decided, ...] = ()
    halted: Intervened | None = None  # a person halted it: nothing was carried out from then on


@dataclass(frozen=True)
class Span:
    """From when until when; `until` of None: only what is due at the start."""

    at: datetime | None
    until: datetime | None


def carry_out(root: Path, flow: str, span: Span, told: Told) -> Carried:
    """Check a flow, store its version, and carry out all that is due; `told` hears of every wave."""
    path = flow_file(root, flow)
    graph = check_one(path, check_context(root)).require()
    machine = SystemClock()
    with inbox_at_hand(root), open_workspace(root) as workspace, prefect_at_hand(workspace.state):
        start(workspace, graph, path.read_text(encoding="utf-8"), span.at or machine.now())
        with open_desk(workspace, machine) as desk:
            opened = Opened(open_versions(workspace, graph.campaign.campaign), desk, machine)
            intake = intake_of(root, workspace.database)
            course = _Course(opened, Rules(root, _nobody), lambda now: take_in_returned(root, intake, now), Requests(workspace))
            return _waves(course, span, told)


def deploy(root: Path, flow: str, every: timedelta, side_by_side: int) -> None:
    """Store a flow's version and let Prefect's workers carry out a wave of it every so often.

    Raises SettingsError without PREFECT_API_URL: workers on other machines must be able to reach the same server.
    """
    if ADDRESS not in environment():
        raise SettingsError(NO_SERVER)
    path = flow_file(root, flow)
    graph = check_one(path, check_context(root)).require()
    with open_workspace(root) as workspace, prefect_at_hand(workspace.state):
        from engine.runner import Deployment
        from engine.runner import deploy as deployed

        start(workspace, graph, path.read_text(encoding="utf-8"), SystemClock().now())
        deployed(Deployment(graph.campaign.campaign, root.resolve(), OPENER, every, side_by_side))


def work(root: Path) -> None:
    """Become a worker of Prefect's that carries out deployed campaigns, until stopped. Raises SettingsError as `deploy` does."""
    if ADDRESS not in environment():
        raise SettingsError(NO_SERVER)
    os.environ.update({**QUIET, **os.environ})
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    os.chdir(root)
    os.execv(sys.executable, command)  # noqa: S606  # our own interpreter, no user's words


@dataclass
class _Course:
    """A campaign that is being carried out; a rule may give it a new version on the way."""

    opened: Opened
    rules: Rules
    take_in: Callable[[datetime], Tally]  # what came back by mail
    requests: Requests  # what was asked for on pages

    def decide(self, now: datetime) -> list[Decided]:
        """What the campaign's rule decides now: at most one thing."""
        versions = self.opened.versions
        decided = self.rules.look(versions[0], now)
        if decided and decided.version_to:
            self.opened = replace(self.opened, versions=open_versions(versions[0].workspace, versions[0].names[0]))
        return [decided] if decided else []


def _waves(course: _Course, span: Span, told: Told) -> Carried:
    from engine.runner import carry_out_wave

    counts: dict[str, int] = {}
    troubles: list[tuple[str, str]] = []
    decided: list[Decided] = []
    waves, now = 0, course.opened.clock.now()
    with gently(course.opened.versions[0].workspace.stopping) as work:
        for now in _moments(course, span):
            came_back = course.take_in(now)
            course.requests.look(now)
            report = work(partial(carry_out_wave, course.opened, now))
            came_back += course.take_in(now)  # the inbox may have been told to complain of what it just got
            waves += 1
            done = (*report.counts, (CAME_BACK, came_back.mails))
            for title, count in done:
                counts[title] = counts.get(title, 0) + count
            troubles += [(trouble.node, trouble.message) for trouble in report.troubles]
            told(now, done)
            decided += course.decide(now)
    decided += course.decide(max(now, span.until or now))
    versions = course.opened.versions
    return Carried(versions[0].names[0], waves, counts, tuple(troubles), next_due(versions), tuple(decided), _halt(versions[0]))


def _halt(running: Running) -> Intervened | None:
    with reading(running.workspace.database) as session:
        return halt_of(session, running.campaign_id)


def _moments(course: _Course, span: Span) -> Iterator[datetime]:
    """The moments to carry waves out at: one, or (with `until`) each at which something is due."""
    now = span.at or _beginning(course.opened, span)
    yield now
    while span.until is not None:
        due = next_due(course.opened.versions)
        if due is None or due > span.until:
            return
        now = min(max(_whole(due), now + TICK), span.until) if now < span.until else now + TICK
        if now > span.until:
            return
        yield now


def _beginning(opened: Opened, span: Span) -> datetime:
    """Now; or where a virtual run was left, when that lies before now."""
    now = opened.clock.now()
    if span.until is None:
        return now
    due = next_due(opened.versions)
    if due is not None and EPOCH < due < min(now, span.until):
        return due
    return min(now, span.until)


def _whole(moment: datetime) -> datetime:
    """The first whole tick at or after a moment."""
    late = (moment - EPOCH) % TICK
    return moment + (TICK - late if late else late)


def _nobody(text: str) -> None:
    """A decision that nothing is promoted is told with the others."""
