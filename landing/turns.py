"""Where somebody stands in a form, and what a page of it that was sent leads to. Pure: what was kept comes in, what to do comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from landing.drafts import Draft, FilledPage
from landing.fields import LONGEST_LONG_TEXT, Value
from landing.seals import KEPT, STEP
from landing.surveys import END, Survey, Typed, read_step, walk

LONGEST_KEPT = 2 * LONGEST_LONG_TEXT


@dataclass(frozen=True, slots=True)
class Spot:
    """Where somebody stands in a form."""

    step: str
    typed: Typed = field(default_factory=dict)
    complaints: Mapping[str, str] = field(default_factory=dict)
    suggestions: Mapping[str, str] = field(default_factory=dict)  # what may have been meant, by question
    back: str | None = None  # the page before, when it was filled in in this sitting
    is_resumed: bool = False  # something was filled in in an earlier sitting
    part: int = 1  # how many pages this one makes
    parts: int = 1  # how many it will be at most


@dataclass(frozen=True, slots=True)
class Sent:
    """What a page that was sent leads to: the next one, or END with the answers of the whole form."""

    filled: FilledPage
    target: str
    values: Mapping[str, Value]
    spot: Spot  # where it stands when it is shown again

    @property
    def is_right(self) -> bool:
        """Whether it can be kept."""
        return not self.spot.complaints and not self.spot.suggestions


def resume(survey: Survey, draft: Draft, region: str | None) -> Spot:
    """Where a link leads: to the first page that is not filled in. A form that was finished begins again."""
    walked = walk(survey, draft.given, region)
    if walked.is_done or not walked.steps:
        return Spot(survey.first, parts=survey.longest_from(survey.first))
    return _spot(survey, draft, walked.steps, walked.stands_at, None, is_resumed=True)


def turn_to(survey: Survey, draft: Draft, region: str | None, step: str, sitting: int) -> Spot | None:
    """A page of this sitting; None when the answers do not lead there."""
    walked = walk(survey, draft.given, region)
    if step in walked.steps:
        return _spot(survey, draft, walked.steps[: walked.steps.index(step)], step, sitting)
    return _spot(survey, draft, walked.steps, step, sitting) if step == walked.stands_at != END else None


def send(survey: Survey, draft: Draft, typed: Typed, region: str | None, sitting: int | None) -> Sent:
    """What a page that was sent leads to."""
    step = typed.get(STEP, survey.first)
    step = step if step in survey.pages else survey.first
    anew = sitting is None and step == survey.first
    mine = {name: typed.get(name, "") for name in survey.asked(step)}
    given = ({} if anew else dict(draft.given)) | {step: mine}
    walked = walk(survey, given, region)
    readings = read_step(survey, step, mine, region)
    complaints = {name: reading.complaint for name, reading in readings.items() if reading.complaint}
    kept = {KEPT + name: typed[KEPT + name] for name in mine if KEPT + name in typed}
    meant = {name: reading.suggestion for name, reading in readings.items() if reading.suggestion}
    suggestions = {name: text for name, text in meant.items() if kept.get(KEPT + name) != mine[name]}
    target = survey.after(step, walked.values) if step in walked.steps else walked.stands_at
    before = walked.steps[: walked.steps.index(step)] if step in walked.steps else walked.steps
    spot = replace(_spot(survey, draft, before, step, sitting), typed=mine | kept, complaints=complaints, suggestions=suggestions)
    # What is ticked may have come as a novel; what is right is never longer than this.
    short = {name: text[:LONGEST_KEPT] for name, text in mine.items()}
    return Sent(FilledPage(step, short, sitting, anew), target, walked.values, spot)


def _spot(survey: Survey, draft: Draft, before: tuple[str, ...], step: str, sitting: int | None, *, is_resumed: bool = False) -> Spot:
    back = before[-1] if before and sitting is not None and draft.sitting.get(before[-1]) == sitting else None
    parts = len(before) + survey.longest_from(step)
    return Spot(step, draft.typed(step, sitting), back=back, is_resumed=is_resumed, part=len(before) + 1, parts=parts)
