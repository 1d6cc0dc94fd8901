"""A workspace without a database: what flows are checked against in these tests."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from channels.contract import Wording, WordingFault
from channels.email.compiling import compile_wording
from channels.print.channel import PrintChannel
from channels.print.settings import PrintSettings
from channels.sms.wording import load_wording
from customers.conditions.vocabulary import AttributeKind, Vocabulary
from engine.language.context import CheckContext
from engine.metrics import BUILT_IN, MetricSpec

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
ATTRIBUTES = {
    "recency": AttributeKind.INTEGER,
    "children": AttributeKind.INTEGER,
    "favourite": AttributeKind.TEXT,
    "member": AttributeKind.BOOLEAN,
    "joined_on": AttributeKind.DATE,
}
METRICS = {**BUILT_IN, "margin": MetricSpec("margin", "margin"), "opt_outs": MetricSpec("opt_outs", "opt_out", better="less")}
SEGMENTS = {"families": "children > 0"}


LETTERS = PrintChannel(PrintSettings(Path("letters"), ("Sender", "Street 1", "1234 AB Town")))


def load_template(channel: str, template: Path, options: Mapping[str, str]) -> Wording | list[WordingFault]:
    """As the three channels do it."""
    if channel == "sms":
        return load_wording(template, TEMPLATES)
    if channel == "email":
        return compile_wording(template, options, TEMPLATES)
    return LETTERS.load(template, options, TEMPLATES)


def shown(path: Path) -> str:
    return path.relative_to(HERE).as_posix() if path.is_relative_to(HERE) else path.name


@pytest.fixture(scope="session")
def context() -> CheckContext:
    return CheckContext(
        templates=TEMPLATES,
        vocabulary=Vocabulary.of_workspace(ATTRIBUTES, SEGMENTS),
        own_attributes=ATTRIBUTES,
        purposes=("offers", "service"),
        metrics=METRICS,
        load_template=load_template,
        today=date(2026, 11, 21),
        shown=shown,
    )
