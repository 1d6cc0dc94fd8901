"""The schema for editors: accepts what the check accepts, and refuses the slips that an editor can see."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.language.reference import SCHEMA, schema_text
from engine.language.schema import campaign_schema
from engine.language.source import Mapping, Scalar, Tree, read_source
from engine.language.values import Count, Duration, Lift, Moment, Share, ValueFault

HERE = Path(__file__).parent
SCHEMA_FILE = HERE.parent.parent / "docs" / "reference" / SCHEMA
VALIDATOR = Draft202012Validator(campaign_schema())
DIGITS = tuple("+-.0123456789")
PLAIN = re.compile(r"null|Null|~||true|True|false|False|[-+]?[0-9]+(\.[0-9]*)?|[-+]?\.[0-9]+")
FLOWS = sorted((HERE / "good").glob("*.yaml"))


def as_an_editor_sees_it(tree: Tree) -> Any:
    """YAML 1.2's core schema: what an editor's own reader makes of plain values."""
    if isinstance(tree, Mapping):
        return {entry.key.text: as_an_editor_sees_it(entry.value) for entry in tree.entries}
    if not isinstance(tree, Scalar):
        return [as_an_editor_sees_it(item) for item in tree.items]
    if tree.style or not PLAIN.fullmatch(tree.text):
        return tree.text
    return (
        {"null": None, "~": None, "": None, "true": True, "false": False}.get(tree.text.lower())
        if tree.text[:1] not in DIGITS
        else float(tree.text)
    )


def faults_of(path: Path, change: tuple[str, str] | None = None, tmp_path: Path | None = None) -> list[str]:
    if change and tmp_path:
        text = path.read_text(encoding="utf-8")
        assert change[0] in text
        path = tmp_path / path.name
        path.write_text(text.replace(*change), encoding="utf-8")
    tree = read_source(path).tree
    assert tree is not None
    return [error.message for error in VALIDATOR.iter_errors(as_an_editor_sees_it(tree))]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(campaign_schema())


@pytest.mark.parametrize("flow", FLOWS, ids=lambda path: path.stem)
def test_a_good_flow_fits_the_schema(flow: Path) -> None:
    assert faults_of(flow) == []


@pytest.mark.parametrize(
    "change",
    [
        ("campaign: winback", "campaign: Win back"),
        ("owner: marketing", "ownr: marketing"),
        ("metric: purchase", "metric: Net sales"),
        ("within: 28 days", "within: a month"),
        ("holdout: 10%", "holdout: ten"),
        ("at_most: 5 days", "at_most: five days"),
        ("send: sms", "sned: sms"),
        ("timeout: phone", "timout: phone"),
        ("release: next monday 09:00", "release: maandag 09:00"),
        ("minimum_lift: 1 point", "minimum_lift: lots"),
        ("  won:\n    goal: purchase", "  Won 1:\n    goal: purchase"),
        ("  won:\n    goal: purchase", "  won:\n    next: end"),
        ("share: 50%, template: winback/personal.mjml", "template: winback/personal.mjml"),
    ],
    ids=lambda change: change[1].strip().split("\n")[-1],
)
def test_a_slip_does_not_fit_the_schema(change: tuple[str, str], tmp_path: Path) -> None:
    assert faults_of(HERE / "good" / "winback.yaml", change, tmp_path)


def test_the_schema_says_what_each_key_is() -> None:
    schema = campaign_schema()
    for name in ("Send", "Audience", "WaitFor"):
        assert schema["$defs"][name]["description"]
        assert all(each.get("description") for each in schema["$defs"][name]["properties"].values())
        assert "id" not in schema["$defs"][name]["properties"]


def test_the_schema_in_the_docs_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m engine.language.reference docs/reference"


PIECES = st.sampled_from(
    ["5", "0", "1/3", "12,5", "%", " ", "day", "days", "minutes", "points", "point", "9:00", "monday", "next", "until", "2026-12-01", "."]
)


@given(st.lists(PIECES, min_size=1, max_size=4).map("".join))
def test_a_value_that_the_check_takes_fits_the_schema(text: str) -> None:
    for kind in (Count, Duration, Share, Lift, Moment):
        try:
            kind.parse(" ".join(text.split()))
        except ValueFault:
            continue
        assert Draft202012Validator(kind.describe()).is_valid(" ".join(text.split())), (kind, text)
