"""What the campaign says about itself."""

from engine.campaign import LearningGoal
from engine.language.context import CheckContext
from engine.language.draft import Draft
from engine.language.faults import did_you_mean, listed, quoted
from engine.language.fields import NAME_PATTERN
from engine.language.source import Mapping, Scalar
from engine.language.values import LONG, Duration
from engine.metrics import Metrics, MetricSpec
from engine.nodes.node import CONTROL_TAIL
from engine.nodes.send import Send
from store.errors import InputError


def check_header(draft: Draft, context: CheckContext) -> None:
    """The name, the purpose and the learning goal."""
    _check_name(draft)
    _check_purpose(draft, context)
    _check_metrics(draft, context)
    learn = getattr(draft.campaign, "learn", None)
    if isinstance(learn, LearningGoal):
        _check_learn(draft, learn, context.metrics)


def _check_name(draft: Draft) -> None:
    name = draft.tree.get("campaign") if draft.tree else None
    if not isinstance(name, Scalar) or name.text == draft.stem or not NAME_PATTERN.fullmatch(name.text):
        return
    message = f"the campaign is called {quoted(name.text)}, but its file {quoted(draft.stem)}."
    remedy = f"Write `campaign: {draft.stem}`, or name the file {name.text}.yaml."
    if not NAME_PATTERN.fullmatch(draft.stem):
        remedy = f"Name the file {name.text}.yaml."
    draft.blame(name.place, "name", message, remedy)


def _check_purpose(draft: Draft, context: CheckContext) -> None:
    """Whatever sends, or records a refusal, needs to know which consent it is about."""
    known = context.purposes
    for leaf in draft.leaves:
        if leaf.what == "purpose" and known is not None and leaf.text not in known:
            message = f"there is no purpose {quoted(leaf.text)}.{did_you_mean(leaf.text, known)}"
            remedy = (
                f"Purposes in contactflow.toml: {listed(known, 'and')}." if known else "Add it to [consent] purposes in contactflow.toml."
            )
            draft.blame(leaf.scalar.place, "unknown-purpose", message, remedy)
    if draft.tree is None or draft.tree.get("purpose") is not None:
        return
    which = f": {listed(known)}." if known else ", as named in contactflow.toml."
    for node_id in draft.ids:
        tree, node = _node_tree(draft, node_id), draft.nodes.get(node_id)
        if isinstance(node, Send) and node.answers_request:
            continue
        if isinstance(tree, Mapping) and tree.get("send") is not None:
            message = f"node {quoted(node_id)} sends, but the campaign does not say for which purpose consent is needed."
            draft.blame(draft.place_in(node_id, ("send",)), "no-purpose", message, f"Add `purpose:` at the top{which}")
            return


def _node_tree(draft: Draft, node_id: str) -> object:
    flow = draft.tree.get("flow") if draft.tree else None
    return flow.get(node_id) if isinstance(flow, Mapping) else None


def _check_metrics(draft: Draft, context: CheckContext) -> None:
    """Every metric that is named is built in or declared."""
    for leaf in draft.leaves:
        if leaf.what == "metric" and leaf.text not in context.metrics:
            message = f"there is no metric {quoted(leaf.text)}.{did_you_mean(leaf.text, context.metrics)}"
            remedy = f"Metrics: {listed(context.metrics, 'and')}. Others can be declared in contactflow.toml: [metrics.NAME]."
            draft.blame(leaf.scalar.place, "unknown-metric", message, remedy)


def _check_learn(draft: Draft, learn: LearningGoal, metrics: Metrics) -> None:
    if not draft.broken and not _compares(draft):
        message = "the campaign has a learning goal, but nothing to compare: everyone gets the same."
        remedy = "Add `holdout: 10%` to the audience, `variants:` to a message, or a `split`."
        draft.blame(draft.place_of(("learn",)), "nothing-to-compare", message, remedy)
    if learn.metric in learn.also:
        message = f"`{learn.metric}` is the metric already."
        draft.blame(draft.place_of(("learn", "also")), "metric-twice", message, "Name only other metrics under `also`.")
    if len(set(learn.also)) < len(learn.also):
        twice = next(name for name in learn.also if learn.also.count(name) > 1)
        draft.blame(draft.place_of(("learn", "also")), "metric-twice", f"`{twice}` stands twice under `also`.", "Name each metric once.")
    if isinstance(learn.within, Duration) and learn.within.seconds > LONG:
        draft.blame(draft.place_of(("learn", "within")), "too-long", f"{learn.within} is more than two years.", "Write a shorter time.")
    if learn.then == "promote":
        _check_promotion(draft)
    if learn.metric in metrics:
        _check_lift(draft, learn, metrics[learn.metric])


def _compares(draft: Draft) -> bool:
    return any(node.contrasts() for node in draft.nodes.values())


def _check_promotion(draft: Draft) -> None:
    """What is compared first must be able to become the routine."""
    compared = [(node, each) for node in draft.nodes.values() for each in node.contrasts()]
    node, contrast = min(compared, key=lambda each: each[1].kind != "holdout", default=(None, None))
    if node is None or contrast is None:
        return  # there is nothing to compare, which is told already
    winner = next(arm for arm in contrast.shares if arm != contrast.control)
    try:
        node.promoted(contrast.kind, winner, CONTROL_TAIL)
    except InputError as error:
        draft.blame(draft.place_of(("learn", "then")), "no-routine", str(error), "Write `then: report`, or take the line out.")


def _check_lift(draft: Draft, learn: LearningGoal, metric: MetricSpec) -> None:
    """Points are for shares; amounts for money and numbers."""
    lift = learn.minimum_lift
    if lift is None:
        return
    place = draft.place_of(("learn", "minimum_lift"))
    in_points = "point" in lift.text.lower()
    if metric.unit == "share" and lift.amount >= 1:
        points = lift.text.lower().removesuffix("s").removesuffix("point").strip()
        message = f"a lift of {lift} would be {lift.amount * 100:g} points: more than a rate can rise."
        draft.blame(
            place,
            "lift",
            message,
            f"Did you mean `{points} point{'' if points == '1' else 's'}`?" if not in_points else "Write fewer points.",
        )
    elif metric.unit != "share" and in_points:
        what = "an amount" if metric.unit == "money" else "a number"
        draft.blame(place, "lift", f"`{learn.metric}` is {what}, which has no points.", f"Write {what}, such as 0.50.")
