"""Which campaigns decide for themselves (`then: promote`), and when it is time to look: a report of many is not made at every wave."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.interventions import may_go_on
from engine.promote import Decided
from engine.running import Running
from store.session import reading

LOOKS = "looks"  # in the workspace's state: when a rule looked, and when it looks again


@dataclass(frozen=True)
class Rules:
    """Looks after campaigns that say `then: promote`; `told` hears why nothing is promoted."""

    root: Path
    told: Callable[[str], object]

    def look(self, running: Running, now: datetime) -> Decided | None:
        """Decide when there is an answer and no decision on it yet; gives the decision that was taken now."""
        learn = running.graph.campaign.learn
        if learn is None or learn.then != "promote" or not _is_time(running, now) or _is_halted(running):
            return None
        from contactflow.deciding import decide

        ruling = decide(self.root, running, now, self.told)
        looked = {"version": running.graph.version, "looked_at": now.isoformat(), "again_at": ruling.look_again_at.isoformat()}
        file = _file(running)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(looked), encoding="utf-8")
        return ruling.decided


def _is_halted(running: Running) -> bool:
    with reading(running.workspace.database) as session:
        return not may_go_on(session, running)


def _is_time(running: Running, now: datetime) -> bool:
    """Whether something may have changed since the last look; also when a virtual clock was set back, or another version runs."""
    try:
        looked = json.loads(_file(running).read_text(encoding="utf-8"))
        since, again = datetime.fromisoformat(looked["looked_at"]), datetime.fromisoformat(looked["again_at"])
        return bool(looked["version"] != running.graph.version or not since <= now < again)
    except (OSError, ValueError, KeyError):
        return True


def _file(running: Running) -> Path:
    return running.workspace.state / LOOKS / f"{running.names[0]}.json"
