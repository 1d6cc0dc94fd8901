"""The report's figures: which plot, with what in it, and the sentence below it."""

from dataclasses import dataclass

from markupsafe import Markup

from response.facts import Report
from response.plots import Interval, Line, curve_plot, interval_plot
from response.words import Words


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and its caption."""

    drawing: Markup
    caption: str


def forest_figure(report: Report, words: Words) -> Figure | None:
    """The primary differences with their intervals, or None when there is no interval to draw."""
    rows = []
    for each in report.comparisons:
        effect = each.absolute
        if each.primary and effect.estimate is not None and effect.low is not None and effect.high is not None:
            estimate, low, high = (words.numbers.signed(each.metric, value) for value in (effect.estimate, effect.low, effect.high))
            rows.append(Interval(words.known("arm", each.arm), effect.estimate, effect.low, effect.high, f"{estimate}  ({low} … {high})"))
    if not rows or report.headline is None:
        return None
    metric, control = report.headline.metric, words.known("arm", report.headline.control)
    minimum = report.goal.minimum if report.goal else None
    caption = words("plot.forest", control=control)
    caption += f", {report.currency}" if metric == "spend" else f", {words('plot.unit.share')}"
    caption += f". {words('plot.band')}" if minimum else "."
    return Figure(interval_plot(rows, minimum, lambda tick, step: words.numbers.axis(metric, tick, step, signed=True), caption), caption)


def curve_figure(report: Report, words: Words) -> Figure | None:
    """The primary metric day by day, control included, or None when nothing has happened yet."""
    curve = report.curve
    if curve is None or not any(any(arm.values) for arm in curve.arms):
        return None
    control = next(each.control for each in report.experiments if each.node == curve.node)
    lines = [Line(words.known("arm", arm.arm), arm.values, muted=arm.arm == control) for arm in curve.arms]
    caption = words("plot.curve", metric=words(f"metric.{curve.metric}"))
    return Figure(curve_plot(lines, lambda tick, step: words.numbers.axis(curve.metric, tick, step), caption), caption)
