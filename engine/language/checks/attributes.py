"""Attributes, segments and channels that a flow names, and the values that it writes down."""

from customers.conditions.vocabulary import BUILT_IN
from engine.language.context import CheckContext
from engine.language.draft import Draft, Leaf
from engine.language.faults import did_you_mean, listed, quoted
from engine.language.source import Mapping as Keys
from engine.language.source import Scalar, Tree
from engine.language.values import ValueFault, value_of_kind

CONSENT = "consent"
_OTHER_WORDS = {
    **dict.fromkeys(("e-mail", "mail", "newsletter"), "email"),
    **dict.fromkeys(("letter", "post", "paper", "brief", "postcard", "card"), "print"),
    **dict.fromkeys(("text", "phone", "mobile", "whatsapp"), "sms"),
}


def check_attributes(draft: Draft, context: CheckContext) -> None:
    """Every name of a segment, a channel or an attribute, and every value of an update."""
    for leaf in draft.leaves:
        if leaf.what == "segment":
            _check_segment(draft, leaf, tuple(context.vocabulary.segments))
        elif leaf.what == "channel" and leaf.path[:2] != ("update", CONSENT) and leaf.path[0] == "update":
            continue  # told by _check_value
        elif leaf.what == "channel":
            _check_channel(draft, leaf, tuple(context.channels))
        elif leaf.what == "attribute" and leaf.path[0] == "update":
            _check_update(draft, leaf, context)
        elif leaf.what == "attribute":
            _check_read(draft, leaf, (*context.vocabulary.attributes, *context.stated))


def _check_segment(draft: Draft, leaf: Leaf, known: tuple[str, ...]) -> None:
    if leaf.text not in known:
        message = f"there is no segment {quoted(leaf.text)}.{did_you_mean(leaf.text, known)}"
        remedy = f"Segments in contactflow.toml: {listed(known, 'and')}." if known else "Add it to [segments] in contactflow.toml."
        draft.blame(leaf.scalar.place, "unknown-segment", message, remedy)


def _check_channel(draft: Draft, leaf: Leaf, known: tuple[str, ...]) -> None:
    if leaf.text in known:
        return
    meant = _OTHER_WORDS.get(leaf.text.lower())
    guess = f" Did you mean '{meant}'?" if meant in known else did_you_mean(leaf.text, known)
    remedy = f"Channels here: {listed(known, 'and')}."
    draft.blame(leaf.scalar.place, "unknown-channel", f"there is no channel {quoted(leaf.text)}.{guess}", remedy)


def _check_read(draft: Draft, leaf: Leaf, known: tuple[str, ...]) -> None:
    if leaf.text not in known:
        message = f"there is no attribute {quoted(leaf.text)}.{did_you_mean(leaf.text, known)}"
        draft.blame(leaf.scalar.place, "unknown-attribute", message, "Declare it under [attributes] in contactflow.toml.")


def _check_update(draft: Draft, leaf: Leaf, context: CheckContext) -> None:
    name, place = leaf.text, leaf.scalar.place
    value = _value(draft, leaf)
    kind = context.own_attributes.get(name)
    if name == CONSENT:
        _check_consent(draft, leaf, value)
    elif kind is not None:
        _check_value(draft, name, kind, value)
    elif name in BUILT_IN:
        remedy = "A flow sets the workspace's own attributes only: those under [attributes] in contactflow.toml."
        draft.blame(place, "not-settable", f"a flow cannot set `{name}`: it comes from the customer's data.", remedy)
    else:
        message = f"there is no attribute {quoted(name)} to set.{did_you_mean(name, (*context.own_attributes, CONSENT))}"
        draft.blame(place, "unknown-attribute", message, "Declare it under [attributes] in contactflow.toml.")


def _value(draft: Draft, leaf: Leaf) -> Tree | None:
    flow = draft.tree.get("flow") if draft.tree else None
    node = flow.get(leaf.node) if isinstance(flow, Keys) else None
    update = node.get("update") if isinstance(node, Keys) else None
    return update.get(leaf.text) if isinstance(update, Keys) else None


def _check_value(draft: Draft, name: str, kind: str, value: Tree | None) -> None:
    if isinstance(value, Keys):
        inside = {(each.value.place.line, each.value.place.column) for each in value.entries}
        draft.faults[:] = [
            fault for fault in draft.faults if (fault.line, fault.column) not in inside
        ]  # not the channels that they look like
        draft.blame(value.place, "wrong-shape", f"`{name}` takes one value.", f"Write `{name}: VALUE`.")
    elif isinstance(value, Scalar) and not value.is_empty:
        try:
            value_of_kind(value.text, kind)
        except ValueFault as fault:
            draft.blame(value.place, "value", f"`{name}`: {fault.message}", fault.remedy)


def _check_consent(draft: Draft, leaf: Leaf, value: Tree | None) -> None:
    """Only customers grant; a flow may note that somebody does not want a channel any more."""
    if draft.tree is not None and draft.tree.get("purpose") is None:
        message = "a refusal is for a purpose, and the campaign has none."
        draft.blame(leaf.scalar.place, "no-purpose", message, "Add `purpose:` at the top.")
    if not isinstance(value, Keys) or not value.entries:
        remedy = "Write `consent: {email: no}`, with the channel that is refused."
        draft.blame(leaf.scalar.place, "wrong-shape", "`consent` takes a channel and `no`.", remedy)
        return
    for entry in value.entries:
        if isinstance(entry.value, Scalar) and entry.value.text.lower() in ("yes", "true", "on"):
            message = f"a flow can never grant consent, and this one does for `{entry.key.text}`."
            remedy = "Only the customer can, on a page or a form. Take it out; `no` records a refusal."
            draft.blame(entry.value.place, "grants-consent", message, remedy)
