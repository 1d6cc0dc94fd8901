"""What a node may see and do in one step: the members that stand at it, in columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.language.values import Duration, Moment
from engine.members import LEFT, NOT_DELIVERED, Asked, Int, Mask, Rows
from engine.nodes.send import Send
from engine.nodes.update import Update
from engine.progress import Exposed, Noted, Progress, Queued, Reached
from engine.reasons import Reason
from store.clock import DAY_MICROS, from_micros, to_micros
from store.hashing import fractions

FRESH_MICROS = 3 * DAY_MICROS  # how late a message may be when its node does not say


@dataclass(frozen=True, slots=True)
class Arms:
    """The arm of each member: a number in `names`, or -1 for none."""

    names: tuple[str, ...]
    codes: NDArray[np.int8]

    def of(self, name: str) -> Mask:
        """Who is in this arm."""
        mask: Mask = self.codes == self.names.index(name)
        return mask

    @property
    def none(self) -> Mask:
        """Who is in no arm."""
        mask: Mask = self.codes < 0
        return mask


def drawn_arms(campaign: str, node: str, shares: Mapping[str, float], customer_ids: NDArray[np.int64]) -> NDArray[np.int8]:
    """The arm of each customer at a node, by its place in `shares`: a salted hash, the same whenever it is asked."""
    edges = np.cumsum(list(shares.values()))
    edges[-1] = 1.0  # shares of 1/3 add up to a hair less
    return np.searchsorted(edges, fractions(f"{campaign}/{node}", customer_ids), side="right").astype(np.int8)


class Visit:
    """The members at one node. What is decided first stands: a later call does nothing to those who have left."""

    def __init__(self, node_id: str, rows: Rows, progress: Progress) -> None:
        self._node = node_id
        self._rows = rows
        self._progress = progress
        self._open = np.ones(len(rows), np.bool_)
        self.fresh: Mask = progress.fresh[rows]

    # What a node may see

    @property
    def everyone(self) -> Mask:
        """All members here."""
        return np.ones(len(self._rows), np.bool_)

    @property
    def due(self) -> Mask:
        """Those whose rest is over."""
        mask: Mask = self._progress.deadline_at[self._rows] <= self._progress.now
        return mask

    @property
    def settled(self) -> Mask:
        """Those whose message has left, or cannot."""
        mask: Mask = (self._delivery >= LEFT) & ~self.fresh
        return mask

    @property
    def undelivered(self) -> Mask:
        """Those whose message cannot be delivered."""
        mask: Mask = (self._delivery == NOT_DELIVERED) & ~self.fresh
        return mask

    def holds(self, condition: str, *, waiting: bool = False) -> Mask:
        """Those for whom the condition holds; asked only for those who are still to be decided.

        `waiting`: the condition is what is waited for here, so that a bare `purchase` counts from the arrival.
        """
        answer = np.zeros(len(self._rows), np.bool_)
        if self._open.any():
            answer[self._open] = self._progress.facts.holds(condition, self._asked(self._open), waiting=waiting)
        return answer

    def moment(self, until: Duration | Moment) -> Int:
        """When a rest that starts now is over, per member, in the customer's own zone."""
        now = self._progress.now
        if isinstance(until, Duration):
            return np.full(len(self._rows), now + until.micros, np.int64)
        zones, present = self._progress.facts.zones(self._asked(self.everyone)).tolist(), from_micros(now)
        per_zone = {name: to_micros(until.after(present, ZoneInfo(name))) for name in set(zones)}
        return np.fromiter((per_zone[name] for name in zones), np.int64, len(zones))

    def arms(self, shares: Mapping[str, float], among: Mask | None = None) -> Arms:
        """Assign arms by salted hash of campaign, node and customer, and write the exposures down."""
        mask = self._open if among is None else self._open & among
        drawn = drawn_arms(self._progress.graph.campaign.campaign, self._node, shares, self._customer_id)
        return self._expose(Arms(tuple(shares), np.where(mask, drawn, np.int8(-1))))

    def arms_by(self, attribute: str, names: Mapping[str, str]) -> Arms:
        """The arm that each customer's attribute names, by value; -1 where it names none."""
        values = self._progress.facts.values(attribute, self._asked(self.everyone))
        order = tuple(dict.fromkeys(names.values()))
        codes = {value: order.index(name) for value, name in names.items()}
        return self._expose(Arms(order, np.array([codes.get(str(value), -1) for value in values], np.int8)))

    # What a node may do

    def leave(self, mask: Mask, exit_name: str) -> None:
        """Go out by an exit, to the node behind it; the step goes on there."""
        chosen = self._take(mask)
        if len(chosen):
            self._progress.move(self._node, exit_name, chosen)

    def finish(self, mask: Mask, reason: str) -> None:
        """Leave the campaign for a reason of engine/reasons.py."""
        chosen = self._take(mask)
        if len(chosen):
            self._progress.end(self._node, Reason(reason), chosen)

    def rest_until(self, mask: Mask, moments: Int) -> None:
        """Stay here until a moment each."""
        self._progress.deadline_at[self._rows[mask]] = moments[mask]

    def queue_message(self, mask: Mask, node: Send, arms: Arms | None) -> None:
        """Put a message to each into the outbox."""
        chosen = self._rows[mask & self._open]
        if not len(chosen):
            return
        release = self.moment(node.release) if node.release else np.full(len(self._rows), self._progress.now, np.int64)
        due = release[mask & self._open]
        stale = due + (node.fresh_for.micros if node.fresh_for else FRESH_MICROS)
        codes = arms.codes[mask & self._open] if arms else np.full(len(chosen), -1, np.int8)
        names, hops = arms.names if arms else (), self._progress.hop[chosen]
        self._progress.messages.append(Queued(self._node, node.send, chosen, names, codes, hops, due, stale))

    def write_down(self, mask: Mask, node: Update) -> None:
        """Set attributes and record consent as the node says."""
        self._progress.notes.append(Noted(self._node, node, self._rows[mask & self._open]))

    def count_goal(self, mask: Mask, goal: str) -> None:
        """Count a goal reached."""
        self._progress.goals.append(Reached(self._node, goal, self._rows[mask & self._open]))

    def close(self) -> None:
        """Those for whom nothing was decided stay, until their rest is over or something about them comes in."""
        staying = self._rows[self._open]
        self._progress.rest(staying)

    @property
    def _customer_id(self) -> Int:
        return self._progress.members.customer_id[self._rows]

    @property
    def _delivery(self) -> NDArray[np.int8]:
        return self._progress.members.delivery[self._rows]

    def _asked(self, mask: Mask) -> Asked:
        rows, members = self._rows[mask], self._progress.members
        return Asked(members.member_id[rows], members.customer_id[rows], members.entered_at[rows], self._progress.arrived_at[rows])

    def _take(self, mask: Mask) -> Rows:
        chosen = mask & self._open
        self._open &= ~chosen
        return self._rows[chosen]

    def _expose(self, arms: Arms) -> Arms:
        for code, name in enumerate(arms.names):
            rows = self._rows[arms.codes == code]
            if len(rows):
                self._progress.exposures.append(Exposed(self._node, name, rows))
        return arms
