"""Prefect runs the work and shows it; our rows hold the truth. The only importer of Prefect.

A flow run is one wave of one campaign, a task run one stage of it over many people. On one machine a local server lives in
the workspace (engine/prefect_server.py); where PREFECT_API_URL is set, that server is used, and workers on several machines
carry out the waves of one deployment. Import this module after `prefect_at_hand`: Prefect reads its environment once.
"""

import asyncio
import base64
import importlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from prefect import Flow, flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Interval
from prefect.settings import PREFECT_API_URL, temporary_settings

from engine.opened import Opened
from engine.picture import draw_dot, render
from engine.prefect_server import POOL
from engine.wave import Stage, Trouble, stages
from store.clock import EPOCH
from store.errors import ContactflowError

SOURCE = Path(__file__).resolve().parent.parent  # where workers find this file


class RunnerError(ContactflowError):
    """A flow run that does not say what to carry out."""


@dataclass(frozen=True)
class WaveReport:
    """What a wave did: (stage, number of people or messages) in order, and what could not work."""

    counts: tuple[tuple[str, int], ...]
    troubles: tuple[Trouble, ...]


NOW = "now"  # of the clock of whoever carries it out

_opened: ContextVar[Opened | None] = ContextVar("_opened", default=None)


def carry_out_wave(opened: Opened, now: datetime) -> WaveReport:
    """Carry out one wave as a flow run in this process, against the API that PREFECT_API_URL names."""
    token = _opened.set(opened)
    try:
        with _at(os.environ["PREFECT_API_URL"]):
            return asyncio.run(wave(opened.versions[0].graph.campaign.campaign, now.isoformat()))
    finally:
        _opened.reset(token)


def _at(address: str) -> AbstractContextManager[object]:
    # Prefect reads all its settings anew for a change of one, which takes longer than a small wave's own work: only where it must.
    return nullcontext() if PREFECT_API_URL.value() == address else temporary_settings({PREFECT_API_URL: address})


@flow(name="campaign wave", flow_run_name="{campaign} {at}", persist_result=False, validate_parameters=False)
async def wave(campaign: str, at: str = NOW, workspace: str | None = None, opener: str | None = None) -> WaveReport:
    """Carry out everything that is due in a campaign.

    A worker opens the campaign itself, with `opener` (module:function) on the folder `workspace`; `at` is then its own clock.
    """
    given = _opened.get()
    opened = given if given is not None else await asyncio.to_thread(_open, opener, workspace, campaign)
    now = opened.clock.now() if at == NOW else datetime.fromisoformat(at)
    try:
        report = await _carry_out(opened, now)
    except asyncio.CancelledError:
        if given is None:  # this process is to end, but a thread cannot be cancelled: untold, it would go on to the stage's last message
            opened.versions[0].workspace.stopping.set()
        raise
    await _show(opened, report, now)
    if given is None:
        if opened.afterwards:
            await asyncio.to_thread(opened.afterwards, now)
        await asyncio.to_thread(opened.held.close)
    return report


@dataclass(frozen=True)
class Deployment:
    """How often workers carry out a campaign, and how many waves of it side by side."""

    campaign: str
    workspace: Path
    opener: str
    every: timedelta
    side_by_side: int = 1


def deploy(deployment: Deployment) -> None:
    """Let workers carry out this campaign; each machine runs `contactflow worker`."""
    with temporary_settings({PREFECT_API_URL: os.environ["PREFECT_API_URL"]}):
        asyncio.run(_deploy(deployment))


async def _deploy(deployment: Deployment) -> None:
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    remote = await Flow.afrom_source(source=str(SOURCE), entrypoint="engine/runner.py:wave")
    parameters = {"campaign": deployment.campaign, "workspace": str(deployment.workspace), "opener": deployment.opener}
    # Schedules a second apart: Prefect takes runs of one deployment at the same moment for one run.
    schedules = [Interval(deployment.every, anchor_date=EPOCH + timedelta(seconds=n)) for n in range(deployment.side_by_side)]
    made = await remote.ato_deployment(deployment.campaign, schedules=schedules, parameters=parameters, work_pool_name=POOL)
    await made.aapply()


async def _carry_out(opened: Opened, now: datetime) -> WaveReport:
    troubles: list[Trouble] = []
    counts: list[tuple[str, int]] = []
    progress = stages(opened.versions, now, opened.desk, troubles)
    try:
        stage = next(progress)
        while True:
            count = await _run_task(stage)
            counts.append((stage.title, count))
            stage = progress.send(count)
    except StopIteration:
        return WaveReport(tuple(counts), tuple(troubles))


async def _run_task(stage: Stage) -> int:
    # Our transactions make a stage repeatable, so Prefect may try it again.
    @task(name=stage.title, task_run_name=stage.title, retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False)
    async def work() -> int:
        return await asyncio.to_thread(stage.work)

    return await work()


async def _show(opened: Opened, report: WaveReport, now: datetime) -> None:
    """Put the flow's picture where Prefect's page shows it, with what this wave did."""
    campaign = opened.versions[0].graph.campaign
    await acreate_markdown_artifact(_story(opened, report, now), key=campaign.campaign.replace("_", "-"), description=campaign.title)


def _story(opened: Opened, report: WaveReport, now: datetime) -> str:
    graph = opened.versions[0].graph
    rows = "\n".join(f"| {title} | {count:,} |" for title, count in report.counts if count)
    picture = _drawn(draw_dot(graph))
    troubles = "".join(f"\n\n**{trouble.node}**: {trouble.message}" for trouble in report.troubles)
    head = f"# {graph.campaign.title or graph.campaign.campaign}\n\nVersion {graph.version}, {now:%Y-%m-%d %H:%M} UTC.{troubles}"
    return f"{head}\n\n| stage | people or messages |\n|---|---|\n{rows}\n\n![the flow](data:image/svg+xml;base64,{picture})"


@lru_cache(maxsize=100)  # a flow is laid out by a program of its own, and looks the same in every wave
def _drawn(dot: str) -> str:
    return base64.b64encode(render(dot, "svg")).decode()


def _open(opener: str | None, workspace: str | None, campaign: str) -> Opened:
    if opener is None or workspace is None:
        raise RunnerError("This flow run does not say how to open its workspace. Deploy the campaign again: contactflow deploy FLOW")
    module, _, function = opener.partition(":")
    open_campaign: Callable[[Path, str], Opened] = getattr(importlib.import_module(module), function)
    return open_campaign(Path(workspace), campaign)
