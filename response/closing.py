"""The last section of a page about several campaigns: what its figures mean."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from engine.metrics import Metrics
from response.parts import As, Definition, Part, Section, Word, say
from response.sections.appendix import leant_on, metric_said


def closing(sections: Sequence[Section], metrics: Metrics, as_of: datetime) -> Section:
    """Definitions of all that these sections lean on, in the order met."""
    return Section("appendix", (say("appendix.opening", at=As("moment", as_of)), *_definitions(sections, metrics)))


def _definitions(sections: Sequence[Section], metrics: Metrics) -> Iterator[Part]:
    for name in dict.fromkeys(leant_on(sections)):
        if name in metrics:
            yield Definition(name, Word("metric", name), metric_said(metrics[name]))
        else:
            yield Definition(name, Word("term", name), say(f"define.{name}"))
