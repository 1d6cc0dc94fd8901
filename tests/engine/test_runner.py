"""Prefect for real: a server in a folder, waves as flow runs, and a scheduled run of a deployment."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import TaskRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, temporary_settings
from sqlmodel import select

from channels.fake import FakeChannel
from engine.counting import standing
from engine.dispatch import Desk
from engine.journal import Journal
from engine.opened import Opened
from engine.prefect_server import ADDRESS, prefect_at_hand
from engine.runner import Deployment, carry_out_wave, deploy
from engine.tables import Member
from store.clock import SystemClock
from store.errors import DeliveryError
from store.session import reading
from tests.conftest import NOON
from tests.engine.conftest import Bench, MakeBench

# Prefect leaves sockets of its HTTP client to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

MAIL = """
  in: {audience: everyone, holdout: 20%}
  mail: {send: email, subject: Hi, template: words.txt}
  won: {goal: buys}
"""


STAGES = {"let people in", "move members", "send mail"}


@pytest.fixture
def prefect(prefect_server: str) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: prefect_server}):
        yield prefect_server


@contextmanager
def opened(bench: Bench) -> Iterator[Opened]:
    journal = Journal.open(bench.workspace.state, "desk")
    yield Opened(bench.start(MAIL), Desk("desk", journal, SystemClock()), SystemClock())
    journal.close()


@pytest.mark.usefixtures("prefect")
def test_a_wave_is_a_flow_run_with_its_stages_as_tasks(bench: Bench) -> None:
    bench.people(50)
    with opened(bench) as ready:
        report = carry_out_wave(ready, NOON)
    assert len(bench.sent()) + standing(bench.workspace, "test").ended["held_out"] == 50
    assert ("let people in", 50) in report.counts
    runs, tasks, pictures = asyncio.run(_seen())
    assert runs[0] == ("test 2026-03-02T12:00:00+00:00", "COMPLETED")
    assert set(tasks) >= STAGES
    assert "data:image/svg+xml;base64," in pictures[0]


@pytest.mark.usefixtures("prefect")
def test_a_wave_happens_at_its_moment_to_the_microsecond_so_that_an_answer_of_this_second_is_seen(bench: Bench) -> None:
    bench.people(5)
    moment = NOON + timedelta(microseconds=600_001)
    with opened(bench) as ready:
        carry_out_wave(ready, moment)
    with reading(bench.workspace.database) as session:
        assert set(session.exec(select(Member.entered_at))) == {moment}


@pytest.mark.usefixtures("prefect")
def test_a_channel_that_is_down_is_told_and_the_run_completes(make_bench: MakeBench) -> None:
    bench = make_bench(FakeChannel("email", ("email",), down=DeliveryError("The mail server does not answer.")))
    bench.people(5)
    with opened(bench) as ready:
        report = carry_out_wave(ready, NOON)
    assert [trouble.message for trouble in report.troubles] == ["The mail server does not answer."]


def test_a_second_process_uses_the_server_that_runs(prefect: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with prefect_at_hand(tmp_path_factory.mktemp("other")) as address:
        assert address == prefect
    assert os.environ[ADDRESS] == prefect


@pytest.mark.usefixtures("prefect")
def test_a_deployed_campaign_gets_its_scheduled_run(tmp_path: Path) -> None:
    deploy(Deployment("winback", tmp_path, "contactflow.bootstrap:open_campaign", timedelta(minutes=1), side_by_side=2))
    scheduled = asyncio.run(_scheduled_runs())
    assert len(scheduled) >= 2
    assert scheduled[0] == {"campaign": "winback", "workspace": str(tmp_path), "opener": "contactflow.bootstrap:open_campaign"}


async def _seen() -> tuple[list[tuple[str, str]], list[str], list[str]]:
    async with get_client() as client:
        runs = await client.read_flow_runs(sort=FlowRunSort.EXPECTED_START_TIME_DESC)
        of_this_run = FlowRunFilter(id=FlowRunFilterId(any_=[runs[0].id]))  # the server has seen those of other tests
        tasks: list[TaskRun] = []
        for _ in range(60):  # Prefect writes task runs down behind its clients' backs, as it finds the time
            tasks = await client.read_task_runs(flow_run_filter=of_this_run)
            if {task.name for task in tasks} >= STAGES:
                break
            await asyncio.sleep(0.5)
        pictures = await client.read_artifacts(flow_run_filter=of_this_run)
        names = [(run.name, run.state.type.value if run.state else "") for run in runs]
        return names, [task.name for task in tasks], [str(each.data) for each in pictures]


async def _scheduled_runs() -> list[dict[str, object]]:
    """The runs that Prefect's scheduler has made; it looks every few seconds."""
    async with get_client() as client:
        for _ in range(60):
            runs = await client.read_flow_runs()
            found = [run.parameters for run in runs if run.state_name == "Scheduled"]
            if found:
                return found
            await asyncio.sleep(1)
    return []
