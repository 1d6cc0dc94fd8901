"""The reference page: made from the classes, up to date, and with examples that pass the check."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.campaign import CampaignSpec
from engine.language.check import check_text
from engine.language.context import CheckContext
from engine.language.faults import render_faults
from engine.language.reference import PAGE, reference_page, write_reference
from engine.nodes import Node, node_types

DOCS = Path(__file__).parent.parent.parent / "docs"
STANDING_BY = {
    "mail": "send: email\n    subject: Hello\n    template: hello.mjml",
    "letter": "send: print\n    template: letter",
    "text": "send: sms\n    template: reminder.txt",
}
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def around(kind: type[Node]) -> str:
    """A flow in which a type's example stands, with the messages that it speaks of before it."""
    example = "".join(f"  {line}\n" if line else "\n" for line in kind.example.strip("\n").split("\n"))
    stubs = "".join(f"  {name}:\n    {words}\n" for name, words in STANDING_BY.items() if f"\n  {name}:\n" not in f"\n{example}")
    start = "" if kind.is_entry else "  in:\n    audience: everyone\n"
    fork = "  stub-pause:\n    wait: 1 day\n  fork:\n    branch:\n      - when: age > 99\n        then: won\n"
    won = "" if "\n  won:\n" in f"\n{example}" else "  won:\n    goal: purchase\n"
    if kind.leaves:
        fork = fork.replace("won", re.findall(r"^  ([a-z-]+):", example, re.MULTILINE)[0])
        won = ""
    body = example + stubs + "    next: end\n" if kind.is_entry else start + stubs + fork + second_reached(example) + example + won
    return f"campaign: example\npurpose: offers\nflow:\n{body}"


def second_reached(example: str) -> str:
    """A way to each node of an example that has more than one."""
    names = re.findall(r"^  ([a-z-]+):", example, re.MULTILINE)[1:]
    return "".join(f"  to-{name}:\n    branch:\n      - when: age > 9\n        then: {name}\n" for name in names)


@pytest.mark.parametrize("word", sorted(node_types()))
def test_every_example_passes_the_check(word: str, context: CheckContext) -> None:
    kind = node_types()[word]
    text = around(kind)
    assert render_faults(check_text(text, Path("example.yaml"), context).faults) == "", text
    assert f"\n  {word}:" in kind.example


def test_the_page_names_every_type_and_every_key() -> None:
    page = reference_page()
    for word, kind in node_types().items():
        section = page.split(f"\n### `{word}`\n")[1].split("\n### ")[0]
        assert kind.example.strip() in section
        for name, info in kind.model_fields.items():
            if not info.exclude and name not in Node.model_fields:
                assert f"| `{info.alias or name}` | {info.description}" in section
    for name in CampaignSpec.model_fields:
        assert f"| `{name}` |" in page


def test_every_key_is_explained() -> None:
    kinds: list[type[BaseModel]] = [CampaignSpec, *node_types().values()]
    for kind in kinds:
        for name, info in kind.model_fields.items():
            assert info.exclude or (info.description or "").endswith("."), (kind, name)


def test_the_page_in_the_docs_is_up_to_date(tmp_path: Path) -> None:
    write_reference(tmp_path)
    written = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert (DOCS / "reference" / PAGE).read_text(encoding="utf-8") == written, "run: python -m engine.language.reference docs/reference"


def test_every_flow_in_the_concept_page_passes_the_check(context: CheckContext) -> None:
    blocks = BLOCK.findall((DOCS / "flow-language.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 3
    for block in blocks:
        name = re.search(r"^campaign: (.*)$", block, re.MULTILINE)
        assert name, block
        assert render_faults(check_text(block, Path(f"{name[1]}.yaml"), context).faults) == "", block
