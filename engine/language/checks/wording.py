"""The messages: templates that are there, compile, and only show what is known; subjects where a channel has them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from channels.contract import Wording
from engine.language.context import CheckContext
from engine.language.draft import Draft, Leaf
from engine.language.faults import Fault, did_you_mean, listed, quoted
from engine.language.source import Place
from engine.nodes.send import UNPERSONALISED, Send, Words, neutral

FIXED = (
    "campaign.title",
    "campaign.name",
    "node",
    "links.page",
    "links.opt_out",
    "links.one_click",
    "links.preferences",
    "code",
    "voucher",
    "segment",
    "sender.name",
    "sender.address",
    "sender.language",
    "sender.country",
    "sender.currency",
    "today",
)
ANSWERING = ("links.confirm", "links.my_data")  # only in what answers a request
_MOST_FILES = 2_000
_TRIED_LANGUAGES = (None, "en", "nl")  # a template may say something else to each


def check_wording(draft: Draft, context: CheckContext) -> None:
    """Every template that is named, and every message in each of its wordings."""
    files = _Files(context.templates)
    missing = {leaf.text for leaf in draft.leaves if leaf.what == "template" and _template_fault(draft, leaf, context, files)}
    known = (*(f"customer.{name}" for name in (*context.vocabulary.attributes, *context.stated)), *FIXED)
    for node_id, node in draft.nodes.items():
        if isinstance(node, Send) and node.send in context.channels:
            _check_features(draft, node_id, node, context)
            _Wordings(draft, node_id, node, context, known + ANSWERING if node.answers_request else known).check(missing)


def _template_fault(draft: Draft, leaf: Leaf, context: CheckContext, files: "_Files") -> bool:
    """Whether a template's file is not there, which is noted."""
    place, root = leaf.scalar.place, context.templates
    try:
        file = (root / leaf.text).resolve()
        outside = not file.is_relative_to(root.resolve())
        found = bool(leaf.text) and file != root.resolve() and (file.exists() or _without_ending(file))
    except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links that go round
        outside, found = False, False
    if outside:
        draft.blame(place, "template-outside", f"{quoted(leaf.text)} lies outside templates/.", "Name a file under templates/.")
    elif not found:
        message = f"there is no template {quoted(leaf.text)}.{did_you_mean(leaf.text, files.names)}"
        folder = leaf.text.rpartition("/")[0]
        near = [file for file in files.names if file.rpartition("/")[0] == folder] or files.names
        remedy = f"Put it under {context.shown(root)}/." + (f" Files there: {listed(near, 'and')}." if near else " There are no files yet.")
        draft.blame(place, "no-template", message, remedy)
    return outside or not found


def _without_ending(file: Path) -> bool:
    """Whether a name without an ending, as letters have it, stands for a file beside it."""
    return "." not in file.name and file.parent.is_dir() and any(each.stem == file.name for each in file.parent.iterdir())


class _Files:
    """What lies under templates/, looked at when it is first asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @cached_property
    def names(self) -> list[str]:
        """Files and folders, relative to the root; at most the first two thousand."""
        try:
            found = [path.relative_to(self._root) for path in islice(self._root.rglob("*"), _MOST_FILES)]
        except OSError:
            return []
        return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def _check_features(draft: Draft, node_id: str, node: Send, context: CheckContext) -> None:
    traits = context.channels[node.send]
    if node.track_opens and not traits.tracks_opens:
        message = f"`track_opens` is for e-mail; node {quoted(node_id)} sends by {node.send}."
        draft.blame(draft.place_in(node_id, ("track_opens",)), "track-opens", message, "Take the line out.")
    if traits.takes_subject:
        return
    for path in _subjects(node):
        message = f"a message by {node.send} has no subject."
        draft.blame(draft.place_in(node_id, path), "subject", message, "Take `subject` out.")


def _subjects(node: Send) -> Iterator[tuple[str, ...]]:
    """The keys of every subject that stands in a node."""
    if node.subject:
        yield ("subject",)
    groups: tuple[tuple[str, Mapping[str, Words] | None], ...] = (("variants", node.variants), ("by_segment", node.by_segment))
    for key, group in groups:
        yield from ((key, name, "subject") for name, words in (group or {}).items() if words.subject)


class _Wordings:
    """The wordings of one node: loaded once each, and their faults told where they can be mended."""

    def __init__(self, draft: Draft, node_id: str, node: Send, context: CheckContext, known: tuple[str, ...]) -> None:
        self._draft = draft
        self._node_id = node_id
        self._node = node
        self._context = context
        self._known = known
        self._loaded: dict[tuple[str | None, str | None], Wording] = {}

    def check(self, missing: set[str]) -> None:
        """Load each different wording."""
        done: set[tuple[str | None, str | None]] = set()
        for segment in (None, *(self._node.by_segment or {})):
            for variant, words in self._node.wordings(segment).items():
                pair = (words.template, words.subject)
                if words.template and pair not in done and words.template not in missing:
                    done.add(pair)
                    self._load(words, self._places(variant, segment, words))
        spare = self._node.spare
        if spare and spare.template not in missing:
            place = self._draft.place_in(self._node_id, ("spare_template",))
            self._load(spare, (place, self._draft.place_in(self._node_id, ("subject",))))
        if self._node.unpersonalised and self._loaded.keys() >= done:
            self._check_unpersonalised()

    def _load(self, words: Words, places: tuple[Place, Place | None]) -> None:
        load = self._context.load_template
        assert words.template is not None
        if load is None:
            return
        options = {"subject": words.subject} if words.subject else {}
        if not words.subject and self._context.channels[self._node.send].takes_subject and not self._has_title(words):
            message = f"the message of node {quoted(self._node_id)} has no subject."
            self._draft.blame(places[0], "no-subject", message, "Add `subject: TEXT` to the node, or <mj-title> to the template.")
            options = {"subject": "-"}  # so that the template's own faults are found
        wording = load(self._node.send, self._context.templates / words.template, options)
        if not isinstance(wording, list):
            self._loaded[words.template, words.subject] = wording
            for name in sorted(wording.variables):
                self._check_variable(name, words, places)
            return
        for fault in wording:
            if words.subject and places[1] and fault.message.startswith("in the subject:"):
                self._draft.blame(places[1], "template", fault.message, fault.remedy)
                continue
            file = self._context.shown(fault.file)
            self._draft.faults.append(Fault(file, fault.line, fault.column, "template", fault.message, fault.remedy))

    def _has_title(self, words: Words) -> bool:
        """Whether the template brings a subject of its own."""
        return any(re.search(r"<(?:mj-)?title>\s*[^\s<]", text) for _, text in self._texts(words))

    def _check_variable(self, name: str, words: Words, places: tuple[Place, Place | None]) -> None:
        if name in self._known or any(known.startswith(f"{name}.") for known in self._known):
            return
        guess = did_you_mean(name, self._known)
        remedy = "Declare it under [attributes] in contactflow.toml, or take it out."
        if name in ANSWERING:
            remedy = "It is for a message that answers a request: see `answers_request`."
        elif not name.startswith("customer."):
            remedy = f"Known: customer.ATTRIBUTE, {listed(FIXED, 'and')}."
        message = f"nothing provides the variable {quoted(name)}.{guess}"
        pattern = re.compile(rf"\b{re.escape(name)}\b")
        in_subject = pattern.search(words.subject or "")
        if in_subject and places[1]:
            self._draft.blame(places[1], "variable", message, remedy)
            return
        file, place = self._in_template(pattern, words)
        fault = Fault(file, place.line, place.column, "variable", message, remedy) if file else None
        if fault:
            self._draft.faults.append(fault)
        else:
            self._draft.blame(places[0], "variable", f"{quoted(words.template or '')}: {message}", remedy)

    def _check_unpersonalised(self) -> None:
        """The message must be able to do without what is personal, and must have something personal to do without."""
        words = self._node.wordings()[UNPERSONALISED]
        wording = self._loaded.get((words.template, words.subject))
        if wording is None:
            return
        kept = neutral(self._context.channels[self._node.send].address) | (self._node.if_missing or {}).keys()
        for name in sorted(_indispensable(wording, kept)):
            self._blame_indispensable(name, words)
        if not self._is_personal(wording, kept):
            place = self._draft.place_in(self._node_id, ("unpersonalised",))
            message = f"the message of node {quoted(self._node_id)} has nothing personal that could be left out."
            remedy = "Take `unpersonalised` out, or show something of the customer, or give a segment its own wording."
            self._draft.blame(place, "nothing-personal", message, remedy)

    def _is_personal(self, wording: Wording, kept: frozenset[str]) -> bool:
        """Whether the message would be another without what is personal: it shows something, or a segment has its own wording."""
        shown = {name.removeprefix("customer.") for name in wording.variables if name.startswith("customer.")}
        each = [self._node.wordings(segment) for segment in (None, *(self._node.by_segment or {}))]
        return bool(shown - kept) or any(words[self._node.counterpart] != words[UNPERSONALISED] for words in each)

    def _blame_indispensable(self, name: str, words: Words) -> None:
        """Told where the variable stands: the subject, or the template."""
        message = f"the unpersonalised message of node {quoted(self._node_id)} has no {quoted(name)}, and cannot do without."
        remedy = f'Write {{{{ {name} or "..." }}}} with words that suit everyone, or put {{% if {name} %}} around the sentence.'
        places = self._places(self._node.counterpart, None, words)
        pattern = re.compile(rf"\b{re.escape(name)}\b")
        file, place = self._in_template(pattern, words)
        if places[1] and pattern.search(words.subject or ""):
            self._draft.blame(places[1], "unpersonalised", message, remedy)
        elif file:
            self._draft.faults.append(Fault(file, place.line, place.column, "unpersonalised", message, remedy))
        else:
            self._draft.blame(places[0], "unpersonalised", message, remedy)

    def _in_template(self, pattern: re.Pattern[str], words: Words) -> tuple[str, Place]:
        """Where a variable stands in the template's own files; an empty name when it is in one that they include."""
        for path, text in self._texts(words):
            if match := pattern.search(text):
                line = text.count("\n", 0, match.start()) + 1
                return self._context.shown(path), Place(line, match.start() - text.rfind("\n", 0, match.start()))
        return "", Place(1, 1)

    def _texts(self, words: Words) -> Iterator[tuple[Path, str]]:
        """The files that a template's name stands for, with their texts: itself, what lies in it, or beside it with an ending."""
        path = self._context.templates / (words.template or "")
        for file in [path] if path.is_file() else sorted([*path.glob("*"), *path.parent.glob("*.*")]):
            if path in (file, file.parent) or file.stem == path.name:
                try:
                    yield file, file.read_text(encoding="utf-8-sig")
                except (OSError, ValueError):
                    continue

    def _places(self, variant: str, segment: str | None, words: Words) -> tuple[Place, Place | None]:
        """Where template and subject of a wording are written: at the segment, the variant, or the node."""
        around = (("by_segment", segment or ""), ("variants", variant), ())
        return self._place(around, "template", words.template), self._place(around, "subject", words.subject) if words.subject else None

    def _place(self, around: tuple[tuple[str, ...], ...], key: str, text: str | None) -> Place:
        for leaf_path in ((*path, key) for path in around):
            scalar = self._draft.scalar_in(self._node_id, leaf_path)
            if scalar is not None and text is not None and scalar.text.split() == text.split():
                return scalar.place
        return self._draft.place_in(self._node_id)


def _indispensable(wording: Wording, kept: Iterable[str]) -> set[str]:
    """The variables of a customer without which the words cannot be merged when only `kept` is known; at most all of them."""
    found: set[str] = set()
    for language in _TRIED_LANGUAGES:
        customer: dict[str, str | None] = {**dict.fromkeys(kept, "-"), "language": language}
        while (fault := wording.lacks(_sample(customer))) and (fault.variable or "").startswith("customer."):
            name = str(fault.variable)
            if customer.get(name.removeprefix("customer.")):
                break
            found.add(name)
            customer[name.removeprefix("customer.")] = "-"
    return found


def _sample(customer: Mapping[str, str | None]) -> dict[str, Any]:
    """Values for a merge: all that is not the customer's own, and the customer."""
    values: dict[str, Any] = {"customer": customer}
    for name in FIXED:
        group, _, key = name.partition(".")
        if key:
            values.setdefault(group, {})[key] = "https://example.com/"
        else:
            values[group] = "2026-01-01"
    return values
