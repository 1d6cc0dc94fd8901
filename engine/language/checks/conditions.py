"""What conditions say, and whether what they speak of can have happened where they stand."""

from collections.abc import Iterator, Mapping

from customers.conditions.faults import ConditionError
from customers.conditions.language import parse_condition
from customers.conditions.tree import Always, Condition, EventKind, EventRef, Not, Predicate
from customers.conditions.vocabulary import Place, SendingNode, Vocabulary
from engine.language.context import ChannelTraits, CheckContext
from engine.language.draft import Draft, Leaf
from engine.language.faults import quoted
from engine.language.source import Mapping as Keys
from engine.language.source import Scalar, Tree
from engine.nodes import node_types
from engine.nodes.send import Send
from engine.tracking import Track, Tracking, followed

_MOST_CHARACTERS = 4_000


def check_conditions(draft: Draft, context: CheckContext) -> None:
    """Parse each condition; every fault at its character."""
    vocabulary = _vocabulary(draft, context)
    before: dict[str, frozenset[str]] = {}
    for leaf in draft.leaves:
        if leaf.what != "condition":
            continue
        condition = _parse(draft, leaf, vocabulary.at(_place(draft, leaf)))
        if condition is None:
            continue
        _check_always(draft, leaf, condition)
        for event in sorted(condition.events, key=repr):
            if event.node:
                _check_before(draft, leaf, event, before)


def sending_nodes(
    nodes: Mapping[str, object], track: Track | None, tracking: Tracking, channels: Mapping[str, ChannelTraits]
) -> dict[str, SendingNode]:
    """What the conditions of a flow need to know of its nodes that send."""
    sends = {name: node for name, node in nodes.items() if isinstance(node, Send)}
    showing = {name for name, traits in channels.items() if traits.tracks_opens}
    # What a node says itself, where its channel cannot do it, is a fault that is told elsewhere.
    opens = {
        name: node.track_opens or followed(tracking, track, node, shows_opens=node.send in showing).opens for name, node in sends.items()
    }
    return {name: SendingNode(node.send, opens[name]) for name, node in sends.items()}


def _vocabulary(draft: Draft, context: CheckContext) -> Vocabulary:
    track = draft.campaign.track if draft.campaign else None
    sending = sending_nodes(draft.nodes, track, context.tracking, context.channels)
    # A send that has a fault of its own still is what a condition means.
    sending |= {node_id: SendingNode(channel, tracks_opens=True) for node_id, channel in _broken_sends(draft)}
    others = [node_id for node_id in draft.ids if node_id not in sending]
    purpose = draft.campaign.purpose if draft.campaign else None
    return context.vocabulary.of_flow(sending, others, purpose)


def _broken_sends(draft: Draft) -> Iterator[tuple[str, str]]:
    for node_id, tree in draft.broken.items():
        channel = tree.get("send") if isinstance(tree, Keys) else None
        if isinstance(channel, Scalar):
            yield node_id, channel.text


def _place(draft: Draft, leaf: Leaf) -> Place:
    node = draft.nodes.get(leaf.node)
    if node:
        return node.condition_place
    tree: Tree | None = draft.broken.get(leaf.node)
    kinds = [kind for word, kind in node_types().items() if isinstance(tree, Keys) and tree.get(word) is not None]
    return kinds[0].condition_place if kinds else Place.FLOW


def _parse(draft: Draft, leaf: Leaf, vocabulary: Vocabulary) -> Condition | None:
    text = leaf.scalar.text
    if len(text) > _MOST_CHARACTERS:
        message = f"the condition has {len(text):,} characters; {_MOST_CHARACTERS:,} is the most."
        draft.blame(leaf.scalar.place, "condition", message, "Put parts of it into named segments.")
        return None
    try:
        return parse_condition(text, vocabulary)
    except ConditionError as error:
        for fault in error.faults:
            draft.blame(leaf.scalar.place_of(fault.start), "condition", fault.message, fault.remedy)
        return None


def _check_always(draft: Draft, leaf: Leaf, condition: Condition) -> None:
    """A condition that says the same of everyone where that makes no sense."""
    holds, place = _constant(condition.predicate), leaf.scalar.place
    if holds is None:
        return
    if leaf.path == ("exit_when",):
        what = "everyone leaves at once" if holds else "nobody ever leaves by it"
        draft.blame(place, "always", f"`exit_when: {leaf.text}`: {what}.", "Say what makes a member leave, or take the line out.")
    elif leaf.path == ("audience",) and not holds:
        draft.blame(place, "always", "this audience lets nobody in.", "Say who comes in.")
    elif leaf.path == ("wait_for",):
        draft.blame(
            place, "always", f"there is nothing to wait for in {quoted(leaf.text)}.", "Name what should happen: `response to NODE`."
        )


def _constant(predicate: Predicate) -> bool | None:
    """What a condition says of everyone, when it is the same for all."""
    if isinstance(predicate, Not):
        inner = _constant(predicate.part)
        return None if inner is None else not inner
    return predicate.holds if isinstance(predicate, Always) else None


def _check_before(draft: Draft, leaf: Leaf, event: EventRef, before: dict[str, frozenset[str]]) -> None:
    """A phrase about a node that no way has led through yet can never hold."""
    if not leaf.node or event.node not in draft.ids:
        return
    if leaf.node not in before:
        before[leaf.node] = _ancestors(draft, leaf.node)
    around = before[leaf.node]
    if event.node in around or not any(draft.nodes[each].is_entry for each in around if each in draft.nodes):
        return  # nobody comes to this node at all, which is told already
    word = "opened" if event.kind is EventKind.OPEN else "answered"
    message = f"at node {quoted(leaf.node)} nothing of {quoted(event.node or '')} can have been {word} yet: it does not come before."
    draft.blame(leaf.scalar.place, "not-before", message, "Name a node that members pass before this one, or change the order.")


def _ancestors(draft: Draft, node_id: str) -> frozenset[str]:
    """Every node from which a way leads here."""
    found: set[str] = set()
    open_ = [node_id]
    while open_:
        new = set(draft.sources.get(open_.pop(), ())) - found
        found |= new
        open_.extend(new)
    return frozenset(found)
