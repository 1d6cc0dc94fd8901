"""A brand's colours, letters and logo in a template: put in while it is compiled, so that even a width may depend on them."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from channels.brand import BRAND, read_brand
from channels.contract import WordingFault
from channels.email.source import Source
from channels.email.tags import Tag, find_tags

Swap = tuple[int, int, str]

_SHOWN = re.compile(r"\{\{[-+]?\s*brand\.(?P<name>\w+)\s*[-+]?\}\}")
_ASKED = re.compile(r"\{%[-+]?\s*if\s+(?P<no>not\s+)?brand\.(?P<name>\w+)\s*[-+]?%\}")
_WORD = re.compile(r"\{%[-+]?\s*(\w+)")
_MENTIONED = re.compile(r"\bbrand\.\w")


def branded(source: Source, root: Path) -> Source | list[WordingFault]:
    """The template with ``{{ brand.NAME }}`` worked out, and of ``{% if brand.NAME %}`` only what holds."""
    tags = [tag for tag in find_tags(source.text) if not tag.is_comment]
    if not any(_MENTIONED.search(tag.text) for tag in tags):
        return source
    brand = read_brand(root)
    if isinstance(brand, list):
        return brand
    faults = list(_faults(source, tags, brand.names))
    if faults:
        return faults
    swaps = _swaps(tags, brand.names)
    return list(_empty(source, swaps)) or source.replaced(swaps)


def _faults(source: Source, tags: list[Tag], names: Mapping[str, str]) -> Iterator[WordingFault]:
    for tag in tags:
        match = _SHOWN.fullmatch(tag.text) or _ASKED.fullmatch(tag.text)
        if match is None and _MENTIONED.search(tag.text):
            yield source.fault(tag.start, f"{tag.shown}: a brand's value stands alone.", "Write {{ brand.NAME }} or {% if brand.NAME %}.")
        elif match and match["name"] not in names:
            near = get_close_matches(match["name"], names, 1)
            remedy = f"Did you mean brand.{near[0]}?" if near else f"There are: {', '.join(names)}."
            yield source.fault(tag.start, f"brand.{match['name']} is not known.", remedy)


def _empty(source: Source, swaps: list[Swap]) -> Iterator[WordingFault]:
    """What is to be shown and has no value."""
    for begin, end, text in swaps:
        shown = _SHOWN.fullmatch(source.text, begin, end)
        if shown and not text:
            remedy = f"Write it in templates/{BRAND}, or ask {{% if brand.{shown['name']} %}}."
            yield source.fault(begin, f"brand.{shown['name']} has no value.", remedy)


def _swaps(tags: list[Tag], names: Mapping[str, str]) -> list[Swap]:
    """What is to be replaced: values, the tags of questions about the brand, and the branches that do not hold."""
    swaps: list[Swap] = []
    open_tags: list[bool | None] = []  # of each block that is open: whether its branch holds; None when it is not about the brand
    left_out = -1  # where a branch that does not hold begins
    for tag in tags:
        asked, word = _ASKED.fullmatch(tag.text), _word_of(tag)
        if asked:
            open_tags.append(bool(names[asked["name"]]) != bool(asked["no"]))
        elif word in ("if", "for"):
            open_tags.append(None)
        ours = bool(open_tags) and open_tags[-1] is not None and (asked or word in ("else", "endif"))
        if ours and word == "else":
            open_tags[-1] = not open_tags[-1]
        if word in ("endif", "endfor") and open_tags:
            open_tags.pop()
        if left_out < 0 and (ours or _SHOWN.fullmatch(tag.text)):
            shown = _SHOWN.fullmatch(tag.text)
            swaps.append((tag.start, tag.end, names[shown["name"]] if shown else ""))
        if left_out < 0 and False in open_tags:
            left_out = tag.end
        elif left_out >= 0 and False not in open_tags:
            swaps.append((left_out, tag.end, ""))
            left_out = -1
    return swaps


def _word_of(tag: Tag) -> str:
    match = _WORD.match(tag.text)
    return match[1] if match else ""
