"""`contactflow check --content`: the messages of a flow as the actual audience would get them, looked at before they leave."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlmodel import Session

from channels.contract import BatchInfo, CompositionFault, Content, Message, MessageKey
from channels.email.channel import EmailChannel
from channels.email.inspection import Remark, inspect, links_of
from channels.email.source import Place, read_source
from channels.email.spam import SpamScore, spam_score
from contactflow.checking import shown_path
from contactflow.visiting import Trouble, visit
from engine.composition import Composer, Letterhead
from engine.language.faults import Fault
from engine.nodes.send import ONLY, Send
from engine.reasons import REASONS
from engine.running import Running
from engine.simulate import audience
from store.bulk import Ids
from store.hashing import fractions
from store.session import reading

SAMPLE = 10_000  # customers whose messages are composed; what they lack is counted for everybody
INSPECTED = 40  # mails of one wording that are looked at in full, besides the largest
Wordings = tuple[str | None, str | None]  # arm, segment


@dataclass
class NodeContent:
    """What the messages of one node would be. Numbers are customers of the audience; `composed` of the sample only."""

    node: str
    channel: str
    reachable: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # why not, in words
    composed: int = 0
    not_composed: Counter[str] = field(default_factory=Counter)  # of the sample, by reason
    lacking: Counter[str] = field(default_factory=Counter)  # by variable: everybody who would be written to
    left_out: Counter[str] = field(default_factory=Counter)  # by variable: of the sample, who would therefore get nothing
    replaced: Counter[str] = field(default_factory=Counter)  # by variable: of the sample, who would get other words
    spare: int = 0  # of the sample, who would get the spare template
    largest_bytes: int = 0
    spam: SpamScore | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        # `asdict` would count the pairs of a Counter.
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "spam": asdict(self.spam) if self.spam else None}


@dataclass
class ContentCheck:
    """All that was found: faults and warnings at their place, and the numbers behind them."""

    campaign: str
    audience: int = 0
    sampled: int = 0
    followed: int | None = None  # links, when they were asked for
    nodes: list[NodeContent] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def check_content(running: Running, now: datetime, sample: int = SAMPLE, *, follow: bool = False) -> ContentCheck:
    """Look at the messages of everyone who would come in at `now`: a constant number of statements for each 50,000 customers.

    With `follow`, the links of the mails that are looked at in full are asked for, too.
    """
    composers = [Composer(running, name, following=False) for name, node in running.graph.nodes.items() if isinstance(node, Send)]
    result, every = ContentCheck(running.graph.campaign.campaign), list[_Looked]()
    with reading(running.workspace.database) as session:
        chunks = [customer_ids for _, customer_ids in audience(session, running, now)]
        result.audience = sum(map(len, chunks))
        result.sampled = min(result.audience, sample)
        for composer in composers:
            looked = _Looked(composer, sample / max(result.audience, 1), now)
            for customer_ids in chunks:
                looked.at(session, customer_ids)
            result.nodes.append(looked.finished())
            result.faults += looked.faults()
            every.append(looked)
    if follow:  # the database is not kept waiting for other people's servers
        troubles = visit(link for looked in every for link in looked.links)
        result.followed = len({link for looked in every for link in looked.links})
        result.faults += [fault for looked in every for fault in looked.dead_links(troubles)]
    return result


class _Looked:
    """The messages of one node: counted, composed, and some of them inspected."""

    def __init__(self, composer: Composer, share: float, now: datetime) -> None:
        node = composer.running.graph.nodes[composer.node_id]
        assert isinstance(node, Send)
        self._composer, self._node, self._share, self._now = composer, node, share, now
        self._mails = composer.channel if isinstance(composer.channel, EmailChannel) else None
        self._found = NodeContent(composer.node_id, composer.channel.name)
        self._remarks: dict[tuple[str, str, str], Remark] = {}  # by template, code and message
        self._inspected: Counter[Wordings] = Counter()
        self._largest: dict[Wordings, tuple[int, Content, Mapping[str, str]]] = {}
        self.links: dict[str, str] = {}  # on the web and not of ours: the template that has it
        self._segments = {id(wording): pair for pair, wording in composer.wordings.items()}

    def at(self, session: Session, customer_ids: Ids) -> None:
        """Take these customers in."""
        chosen = fractions("content", customer_ids) < self._share
        for letterhead, is_chosen in zip(self._composer.rehearse(session, customer_ids, self._now), chosen.tolist(), strict=True):
            if letterhead.refusal is not None:
                self._found.refused[REASONS[letterhead.refusal]] += 1
                continue
            self._found.reachable += 1
            missing = _missing(letterhead)
            self._found.lacking.update(missing)
            if is_chosen:
                self._compose(letterhead, missing)

    def _compose(self, letterhead: Letterhead, missing: Sequence[str]) -> None:
        merged = self._composer.merged(letterhead)
        if isinstance(merged, CompositionFault):
            self._found.not_composed[merged.reason] += 1
            self._found.left_out.update([merged.variable] if merged.variable else ())
            return
        self._found.composed += 1
        self._found.replaced.update(missing)
        self._found.spare += merged.letterhead.wording is not letterhead.wording
        if self._mails and merged.letterhead.wording is letterhead.wording:
            self._weigh(letterhead, merged.content)

    def _weigh(self, letterhead: Letterhead, content: Content) -> None:
        """Look at a mail in full when its wording has not been looked at often enough; keep the largest."""
        pair = self._segments[id(letterhead.wording)]
        size = len(content.raw or b"")
        if size > self._largest.get(pair, (0,))[0]:
            self._largest[pair] = size, content, letterhead.values["links"]
        if self._inspected[pair] < INSPECTED:
            self._inspected[pair] += 1
            self._inspect(pair, content, letterhead.values["links"])

    def _inspect(self, pair: Wordings, content: Content, links: Mapping[str, str]) -> None:
        template = self._template(pair)
        parts, personal = dict(content.parts), tuple(links.values())
        self.links |= {link: self.links.get(link, template) for link in links_of(parts) if not link.startswith(personal)}
        for remark in inspect(parts, links):
            self._remarks.setdefault((template, remark.code, remark.message), remark)

    def finished(self) -> NodeContent:
        """The numbers, when everybody has been looked at."""
        for pair, (_, content, links) in self._largest.items():
            html = content.parts.get("html", content.parts["text"])
            self._found.largest_bytes = max(self._found.largest_bytes, len(html.encode()))
            self._inspect(pair, content, links)
        if self._largest:
            _, content, links = max(self._largest.values(), key=lambda each: each[0])
            self._found.spam = self._spam_score(content, links)
        return self._found

    def _spam_score(self, content: Content, links: Mapping[str, str]) -> SpamScore | None:
        graph = self._composer.running.graph
        if self._mails is None:
            return None
        batch = BatchInfo("check", graph.campaign.campaign, graph.version, self._found.node, "", self._now)
        return spam_score(self._mails.written_out(Message(MessageKey("check"), "somebody@example.com", content, links), batch))

    def faults(self) -> Iterator[Fault]:
        """Everything to be said, at its place in the template."""
        for (template, _, _), remark in self._remarks.items():
            yield self._fault(template, remark)
        for variable, count in sorted(self._found.left_out.items()):
            yield self._fault(self._template_with(variable), self._lack(variable, count))
        spam = self._found.spam
        if spam and spam.points >= spam.limit:
            yield self._fault(self._template(next(iter(self._largest))), self._spam(spam))

    def dead_links(self, troubles: Mapping[str, Trouble]) -> Iterator[Fault]:
        """The links of these messages that lead nowhere, at their place."""
        for link, template in self.links.items():
            if trouble := troubles.get(link):
                message = f"the link '{link[:80]}' does not work: {trouble.message}."
                remedy = "Correct the address, or take the link out." if trouble.severity == "fault" else "Try it in a browser."
                yield self._fault(template, Remark("dead-link", message, remedy, tuple(_beginnings(link)), trouble.severity))

    def _spam(self, spam: SpamScore) -> Remark:
        rules = ", ".join(spam.rules[:8])
        message = f"SpamAssassin gives the largest mail of '{self._found.node}' {spam.points} points of {spam.limit}: {rules}."
        return Remark("spam", message, "Look these rules up, and mend what they name.")

    def _lack(self, variable: str, count: int) -> Remark:
        of = self._found.composed + sum(self._found.not_composed.values())
        message = f"{count:,} of {of:,} looked at have no {variable}, and would get nothing from '{self._found.node}'."
        name = variable.removeprefix("customer.")
        remedy = f'Write `if_missing: {{{name}: TEXT}}` at the node, or {{{{ {variable} or "..." }}}} in the template.'
        return Remark("lacking", message, remedy, (variable, variable.rpartition(".")[2]))

    def _template(self, pair: Wordings) -> str:
        arm, segment = pair
        return self._node.wordings(segment)[arm or ONLY].template or ""

    def _template_with(self, variable: str) -> str:
        """The template that shows a variable; the node's first when only a subject does."""
        names = {self._template(pair): wording for pair, wording in self._composer.wordings.items()}
        return next((name for name, wording in names.items() if variable in wording.variables), next(iter(names)))

    def _fault(self, template: str, remark: Remark) -> Fault:
        root = self._composer.running.workspace.templates
        place = _place(root / template, root, remark.quotes)
        return Fault(shown_path(place.file), place.line, place.column, remark.code, remark.message, remark.remedy, remark.severity)


def _missing(letterhead: Letterhead) -> list[str]:
    """The customer's attributes that the wording reads and that have no value."""
    customer = letterhead.values["customer"]
    names = (name for name in letterhead.wording.variables if name.startswith("customer."))
    lacking = (name for name in names if name not in _QUIET)
    plain = {name: name.removeprefix("customer.") for name in lacking}
    return [name for name, key in plain.items() if key in letterhead.stood_in or customer.get(key) is None]


def _beginnings(link: str) -> Iterator[str]:
    """How a link may stand in a template, where values and utm parameters come behind: all of it, then less and less."""
    unmarked = re.split(r"[?&]utm_", link, maxsplit=1)[0]
    for each in (link, unmarked):
        yield from (each.replace("&", "&amp;"), each)
    parts = urlsplit(link)
    path = parts.path
    while path:
        yield f"{parts.scheme}://{parts.netloc}{path}"
        path = path.rpartition("/")[0]
    yield f"{parts.scheme}://{parts.netloc}"


_QUIET = frozenset({"customer.language", "customer.country"})  # without them the organisation's own are taken


def _place(template: Path, root: Path, quotes: Sequence[str]) -> Place:
    """Where the first of the quotes stands that is found in a template or what it includes."""
    source = read_source(template, root) if template.is_file() else []
    if isinstance(source, list):
        return Place(template, 1, 1)
    found = (source.text.find(quote) for quote in quotes if quote)
    offset = next((each for each in found if each >= 0), None)
    return Place(template, 1, 1) if offset is None else source.place(offset)
