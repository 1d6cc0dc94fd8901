"""What is wrong with the variants of a page and with what it says to segments. Every page that somebody may see has to be whole."""

from collections.abc import Collection, Iterator

from engine.language.faults import did_you_mean, listed, quoted
from engine.nodes.split import share_faults
from landing.page import Page, Parts
from landing.surveys import Fault, survey_faults

Where = tuple[str | int, ...]


def editions(page: Page) -> Iterator[tuple[str | None, str | None]]:
    """Each variant and segment that the page may be seen in; None for no variant, and for whoever fits none of its segments."""
    for variant in page.variants or (None,):
        for segment in (None, *page.by_segment):
            yield variant, segment


def parts_of(page: Page) -> Iterator[tuple[Where, Page | Parts]]:
    """The page, and all that it says otherwise, with the keys that lead there."""
    yield (), page
    yield from ((("variants", name), parts) for name, parts in page.variants.items())
    yield from ((("by_segment", name), parts) for name, parts in page.by_segment.items())


def edition_faults(page: Page) -> Iterator[Fault]:
    """Faults that keep somebody's page from being shown; each once."""
    yield from _untitled(page)
    seen = set[Fault]()
    for variant, segment in editions(page):
        for path, message, remedy in survey_faults(page.seen(variant, segment).survey):
            fault = (_written_at(page, variant, segment, path), message, remedy)
            if fault not in seen:
                seen.add(fault)
                yield fault


def variant_faults(page: Page) -> Iterator[Fault]:
    """Shares and controls that do not add up, and variants that are no variants."""
    if len(page.variants) == 1:
        yield ("variants",), "one variant alone is compared with nothing.", "Write a second one, or take `variants` out."
    for fault in share_faults(("variants",), {name: each.share for name, each in page.variants.items()}, "variants"):
        yield fault.path, fault.message, fault.remedy
    if sum(each.control for each in page.variants.values()) > 1:
        yield ("variants",), "more than one variant is the control.", "Leave `control: yes` on one variant only."
    same = [name for name, each in page.variants.items() if not each.said]
    for name in same[1:]:
        yield ("variants", name), f"'{name}' is the same as '{same[0]}'.", "Say something otherwise, or take one of them out."


def segment_faults(page: Page, segments: Collection[str]) -> Iterator[Fault]:
    """Segments that the workspace has not got, and those to whom nothing else is said."""
    for name, parts in page.by_segment.items():
        if name not in segments:
            known = f"Segments: {listed(segments, 'and')}." if segments else "Declare it under [segments] in contactflow.toml."
            yield ("by_segment", name), f"there is no segment {quoted(name)}.{did_you_mean(name, segments)}", known
        elif not parts.said:
            yield ("by_segment", name), f"'{name}' changes nothing.", "Say something otherwise, or take it out."


def _untitled(page: Page) -> Iterator[Fault]:
    for where, parts in parts_of(page):
        if "title" in parts.model_fields_set and parts.title is None:
            yield (*where, "title"), "a page cannot do without its headline.", "Write one, or take `title` out."


def _written_at(page: Page, variant: str | None, segment: str | None, path: Where) -> Where:
    """Where the part stands that the fault is in: at the segment, the variant, or the page."""
    if segment and path[0] in page.by_segment[segment].said:
        return ("by_segment", segment, *path)
    return ("variants", variant, *path) if variant and path[0] in page.variants[variant].said else path
