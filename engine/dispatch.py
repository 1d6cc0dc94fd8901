"""Messages leave: claim, check at the moment of sending, compose, deliver, and write down what came back.

Three short transactions a batch, none of them open while something is composed or sent:

1. claim: rows of one node become ours;
2. whoever may not be written to is settled with the reason, the rest are marked *sending* with what they will get;
3. receipts, contact-log rows, and members that go on.

Between 2 and 3 the journal knows what is on the wire (engine/journal.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from channels.contract import BatchInfo
from engine.composition import Composer, Letterhead, Ready
from engine.interventions import may_go_on
from engine.journal import Journal
from engine.limits import Turnstile
from engine.outbox import CLAIM, Claim, Settlement, claim, hold, mark_sending, message_id_of, postpone
from engine.reasons import Reason
from engine.recording import Addressee, later, maybe_sent, record, settlement_of, suppress_bad_addresses
from engine.recovery import recover_own
from engine.running import Running
from store.clock import Clock
from store.errors import DeliveryError
from store.session import reading, writing


@dataclass(frozen=True)
class Desk:
    """Who dispatches: the claim's name, its journal, and the machine's clock (claims end by it, also in a virtual run).

    `until` is the moment by that clock at which others are to have their turn; None: whatever is due is carried out in one go.
    """

    claim: str
    journal: Journal
    machine: Clock
    until: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is the turn of others."""
        return self.until is not None and self.until <= self.machine.now()


def dispatch(running: Running, node: str, now: datetime, desk: Desk) -> int:
    """Send everything of a node that is due, batch by batch, until the desk's turn is over; gives how many messages were dealt with.

    One batch is sent in any case: what a few wait for does not wait for what many wait for at another node.

    Raises DeliveryError when the channel cannot work at all; what was not sent is then put off, and nothing is lost.
    """
    recover_own(running.workspace, desk.journal, desk.claim, now)
    composer = Composer(running, node)
    done = 0
    while (count := dispatch_batch(composer, now, desk)) is not None:
        done += count
        if desk.is_over:
            break
    return done


def dispatch_batch(composer: Composer, now: datetime, desk: Desk) -> int | None:
    """Send one batch; gives how many messages were dealt with, without those that a limit puts off.

    None when no message is due, or the campaign is halted.
    """
    running, database = composer.running, composer.running.workspace.database
    with writing(database) as session:
        by = Claim(desk.claim, desk.machine.now() + CLAIM, composer.channel.max_batch)
        rows = claim(session, running.version_id, composer.node_id, now, by) if may_go_on(session, running) else ()
    if not rows:
        return None
    with reading(database) as session:
        read = composer.read(session, rows, now)
    # Who waits for the evening goes first, for the limits are for what may leave now.
    letterheads = _in_turn(composer, _at_their_moment(composer, read, by), now, by)
    made = [composer.compose(letterhead) for letterhead in letterheads]
    ready = _mark(composer, made, {each.addressee.id: each.addressee for each in letterheads}, now, desk)
    if ready:
        _deliver(composer, ready, now, desk)
    return len(letterheads)


def _at_their_moment(composer: Composer, letterheads: Sequence[Letterhead], by: Claim) -> Sequence[Letterhead]:
    """Those whose customers do not prefer another part of the day; the others go back to the queue until it comes."""
    late = [(each.waits_until, each.addressee.attempts, each.addressee.id) for each in letterheads if each.waits_until]
    if late:
        with writing(composer.running.workspace.database) as session:
            postpone(session, late, by, Reason.PREFERRED_MOMENT)
    return [each for each in letterheads if not each.waits_until]


def _in_turn(composer: Composer, letterheads: Sequence[Letterhead], now: datetime, by: Claim) -> Sequence[Letterhead]:
    """Those that may leave now under the channel's limits, and those that are refused anyway; the others go back to the queue."""
    workspace, channel = composer.running.workspace, composer.channel
    limits, asking = workspace.limits.get(channel.name), [each for each in letterheads if each.refusal is None]
    if limits is None or not asking:
        return letterheads
    receivers = [channel.receiver_of(each.addressee.address or "") for each in asking]
    with writing(workspace.database) as session:
        turns = Turnstile(session, channel.name, limits, now, workspace.zone).turns(receivers)
        late = [(turn, each.addressee.attempts, each.addressee.id) for turn, each in zip(turns, asking, strict=True) if turn]
        postpone(session, late, by)
    waiting = {message_id for _, _, message_id in late}
    return [each for each in letterheads if each.addressee.id not in waiting]


def _mark(
    composer: Composer, made: Sequence[Ready | Settlement], addressees: dict[int, Addressee], now: datetime, desk: Desk
) -> list[Ready]:
    """Settle who may not be written to, write down what the others will get, and give what may go: what is still ours."""
    with writing(composer.running.workspace.database) as session:
        by = Claim(desk.claim, desk.machine.now() + CLAIM, len(addressees))
        ours = hold(session, np.array(list(addressees), np.int64), by)
        ready = [each for each in made if isinstance(each, Ready) and each.letterhead.addressee.id in ours]
        refused = [each for each in made if isinstance(each, Settlement) and each.id in ours]
        mark_sending(session, (composer.row(session, each) for each in ready), by)
        composer.issue_vouchers(session, ready, now)
        record(session, composer.running.names, addressees, refused, now)
    return ready


def _deliver(composer: Composer, ready: Sequence[Ready], now: datetime, desk: Desk) -> None:
    addressees = {each.letterhead.addressee.id: composer.addressee(each) for each in ready}
    trouble = None
    try:
        for _ in composer.channel.deliver([composer.message(each) for each in ready], _batch(composer, ready, now), desk.journal):
            pass
    except DeliveryError as error:
        trouble = error
    _record(composer, addressees, trouble, now, desk)
    desk.journal.recorded()
    if trouble is not None:
        raise trouble


def _record(composer: Composer, addressees: dict[int, Addressee], trouble: DeliveryError | None, now: datetime, desk: Desk) -> None:
    receipts = {message_id_of(receipt.key): receipt for receipt in desk.journal.receipts}
    started = {message_id_of(key) for key in desk.journal.started}
    cost = composer.running.workspace.costs.get(composer.channel.name, 0)
    settlements = []
    for message_id, addressee in addressees.items():
        if message_id in receipts:
            settlements.append(settlement_of(receipts[message_id], addressee, now, cost))
        elif message_id in started:
            settlements.append(maybe_sent(addressee, cost))
        else:
            settlements.append(later(addressee, str(trouble or "the channel gave no answer for it"), now))
    with writing(composer.running.workspace.database) as session:
        record(session, composer.running.names, addressees, settlements, now)
        suppress_bad_addresses(session, addressees, receipts, now)


def _batch(composer: Composer, ready: Sequence[Ready], now: datetime) -> BatchInfo:
    graph = composer.running.graph
    name, first = graph.campaign.campaign, ready[0].letterhead.addressee.id
    key = f"{name}-{composer.node_id}-{now:%Y%m%dT%H%M%S}-{first}"
    return BatchInfo(key, name, graph.version, composer.node_id, graph.campaign.title or name, now)
