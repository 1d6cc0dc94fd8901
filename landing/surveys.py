"""Forms over several pages: which page comes when, and what the answers given so far lead to. Nothing here knows a database.

The pages of a form only lead forwards, in the order of the file, so that every way through it ends.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from landing.fields import FormField, Reading, Value, Words

END = "end"
ONLY = ""  # the name of the one page of a form that has no pages
MOST_PAGES = 12

Form = Mapping[str, FormField]
Typed = Mapping[str, str]
Fault = tuple[tuple[str | int, ...], str, str]  # the keys that lead to it, what is wrong, what to do


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _as_turns(value: Any) -> Any:
    return ({"otherwise": value},) if isinstance(value, str) else value


class Turn(BaseModel):
    """One way to go on: when certain answers were given, or otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_list)]] | None = Field(
        None, description="The answers that lead this way, by question: one, or a list of which any will do. All must be so."
    )
    then: str | None = Field(None, description="The page that comes then, or `end`.")
    otherwise: str | None = Field(None, description="The page that comes when nothing above was so, or `end`.")

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if bool(self.when and self.then) == bool(self.otherwise) or bool(self.when) != bool(self.then):
            raise ValueError("a way on is either `when:` with `then:`, or `otherwise:`. Write {when: {QUESTION: ANSWER}, then: PAGE}.")
        return self

    @property
    def target(self) -> str:
        """The page that it leads to, or END."""
        return self.then or self.otherwise or END

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether these answers lead this way."""
        return all(spelled(values.get(name)) in wanted for name, wanted in (self.when or {}).items())


class SurveyPage(BaseModel):
    """One page of a form over several pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: tuple[str, ...] = Field(description="The questions on this page, by their names in `form`.", min_length=1)
    title: Words | None = Field(None, description="The headline; the page's own when left out.")
    text: Words | None = Field(None, description="Paragraphs below it.")
    next: Annotated[tuple[Turn, ...], BeforeValidator(_as_turns)] = Field(
        (),
        description="Which page comes then: its name, or a list of {when: ..., then: ...} and {otherwise: ...}. Left out: the one below.",
    )


@dataclass(frozen=True, slots=True)
class Survey:
    """A form and its pages. Without pages it is one, with the name ONLY."""

    form: Form
    pages: Mapping[str, SurveyPage]

    @property
    def first(self) -> str:
        """The page that everybody begins with."""
        return next(iter(self.pages), ONLY)

    def asked(self, step: str) -> dict[str, FormField]:
        """The questions of a page."""
        names = self.pages[step].ask if self.pages else tuple(self.form)
        return {name: self.form[name] for name in names}

    def after(self, step: str, values: Mapping[str, Value]) -> str:
        """The page that these answers lead to from a page, or END."""
        if not self.pages:
            return END
        return next((turn.target for turn in self.pages[step].next if turn.holds(values)), self._below(step))

    def ways(self, step: str) -> set[str]:
        """Where a page may lead."""
        if not self.pages:
            return {END}
        turns = self.pages[step].next
        always = any(not turn.when for turn in turns)
        return {turn.target for turn in turns} | (set() if always else {self._below(step)})

    def longest_from(self, step: str) -> int:
        """How many pages may still come at most, this one with them."""
        longest = {END: 0}
        for each in reversed(list(self.pages) or [ONLY]):
            longest[each] = 1 + max(longest[way] for way in self.ways(each))
        return longest[step]

    def _below(self, step: str) -> str:
        names = [*self.pages, END]
        return names[names.index(step) + 1]


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through a survey as far as what was typed goes."""

    steps: tuple[str, ...]  # the pages that are done, in their order
    stands_at: str  # the page that comes now, or END
    values: Mapping[str, Value]  # the answers of the pages that are done, and of no others
    complaints: Mapping[str, str] = field(default_factory=dict)  # what is not right on the page where it stands

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to ask."""
        return self.stands_at == END


def walk(survey: Survey, given: Mapping[str, Typed], region: str | None) -> Walk:
    """Follow what was typed on each page from the first one until a page is not filled in, or not rightly.

    What was typed on a page that the answers do not lead to is left out.
    """
    step, done, values = survey.first, list[str](), dict[str, Value]()
    while step != END and step in given:
        readings = read_step(survey, step, given[step], region)
        complaints = {name: reading.complaint for name, reading in readings.items() if reading.complaint}
        if complaints:
            return Walk(tuple(done), step, values, complaints)
        values |= {name: reading.value for name, reading in readings.items() if reading.value is not None}
        done.append(step)
        step = survey.after(step, values)
    return Walk(tuple(done), step, values)


def read_step(survey: Survey, step: str, typed: Typed, region: str | None) -> dict[str, Reading]:
    """What was typed on a page, by question."""
    return {name: field.read(typed.get(name, ""), region) for name, field in survey.asked(step).items()}


def spelled(value: Value | None) -> str:
    """How a page file writes an answer: a ticked box is `yes`, no answer at all is an empty text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def survey_faults(survey: Survey) -> Iterator[Fault]:
    """What is wrong with the pages of a form."""
    if len(survey.pages) > MOST_PAGES:
        yield ("pages",), f"there are {len(survey.pages)} pages.", f"Nobody fills in more than {MOST_PAGES}. Ask less."
    seen: dict[str, FormField] = {}
    for step, page in survey.pages.items():
        yield from _asking_faults(survey, step, page, seen)
        seen |= {name: survey.form[name] for name in page.ask if name in survey.form}
        for number, turn in enumerate(page.next):
            yield from _turn_faults(survey, step, number, turn, seen)
    for name in survey.form:
        if survey.pages and name not in seen:
            yield ("form", name), f"the question '{name}' is on no page.", "Add it to `ask` of one of the `pages`."


def _asking_faults(survey: Survey, step: str, page: SurveyPage, seen: Form) -> Iterator[Fault]:
    if step in (END, "thanks"):
        yield ("pages", step), f"a page cannot be called '{step}'.", "Give it another name."
    for number, name in enumerate(page.ask):
        if name not in survey.form:
            yield ("pages", step, "ask", number), f"there is no question '{name}' in `form`.", "Write it there, or take it out here."
        elif name in seen or name in page.ask[:number]:
            yield ("pages", step, "ask", number), f"the question '{name}' is asked twice.", "Ask it on one page."


def _turn_faults(survey: Survey, step: str, number: int, turn: Turn, seen: Form) -> Iterator[Fault]:
    path: tuple[str | int, ...] = ("pages", step, "next", number)
    later = [*survey.pages, END][list(survey.pages).index(step) + 1 :]
    if turn.target not in later:
        yield path, f"'{turn.target}' is not a page that comes after '{step}'.", f"Pages lead forwards only. Known are {', '.join(later)}."
    for name, wanted in (turn.when or {}).items():
        answers = seen[name].answers if name in seen else ()
        if not answers:
            yield (
                path,
                f"'{name}' has not been asked, or anything may be its answer.",
                "Ask for a choice, a scale or a checkbox, up to here.",
            )
            continue
        for each in wanted:
            if each not in answers:
                yield path, f"'{each}' cannot be the answer to '{name}'.", f"Its answers are {', '.join(answers)}."
