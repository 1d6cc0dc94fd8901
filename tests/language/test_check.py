"""The check as a whole: quick to start, independent of any database, and honest in what it hands over."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.language.check import check_flow, check_text, read_flow
from engine.language.context import CheckContext
from store.errors import FlowError

HERE = Path(__file__).parent
HEAVY = ("sqlalchemy", "sqlmodel", "numpy", "prefect", "scipy", "fastapi", "jinja2", "mjml", "reportlab")


def test_the_check_starts_without_the_heavy_parts() -> None:
    program = f"""
import json, sys
from pathlib import Path
from engine.language.check import check_flow
from engine.language.context import CheckContext
checked = check_flow(Path({str(HERE / "good" / "circle.yaml")!r}), CheckContext(Path({str(HERE / "templates")!r})))
assert not checked.faults, checked.faults
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_what_is_read_again_is_the_same_campaign(context: CheckContext) -> None:
    path = HERE / "good" / "as-people-write.yaml"
    assert read_flow(path.read_text(encoding="utf-8"), "stored") == check_flow(path, context).spec


def test_what_cannot_be_read_again_is_an_error_that_lists_the_faults() -> None:
    with pytest.raises(FlowError, match="stored:1:1"):
        read_flow("titel: x\n", "stored")
    with pytest.raises(FlowError, match="empty"):
        read_flow("", "stored")


def test_requiring_a_broken_flow_lists_its_faults(context: CheckContext) -> None:
    checked = check_flow(HERE / "broken" / "references.yaml", context)
    with pytest.raises(FlowError) as raised:
        checked.require()
    assert str(raised.value).count("\n    ") == len(checked.faults) == 5


def test_layout_and_comments_do_not_make_a_new_version_but_words_do(context: CheckContext) -> None:
    path = HERE / "good" / "as-people-write.yaml"
    text = path.read_text(encoding="utf-8")
    version = check_text(text, path, context).require().version
    assert check_text("# another remark\n" + text.replace("  dutch:", "\n  dutch:"), path, context).require().version == version
    for old, new in (("2 weeks", "3 weeks"), ("children:\n", "children: 1\n"), ("      children:\n", ""), ("{sms: no}", "{email: no}")):
        assert old in text
        assert check_text(text.replace(old, new), path, context).require().version != version


def test_a_thousand_nodes_take_seconds_of_the_processor(context: CheckContext) -> None:
    nodes = "".join(
        f"  n{n}:\n    wait_for: response to mail\n    at_most: 1 day\n    then: n{(n * 7) % 990}\n    timeout: end\n" for n in range(990)
    )
    text = (
        "campaign: long\npurpose: offers\nflow:\n  in:\n    audience: everyone\n"
        f"  mail:\n    send: sms\n    template: reminder.txt\n{nodes}"
    )
    began = time.process_time()
    checked = check_text(text, Path("long.yaml"), context)
    assert time.process_time() - began < 8
    assert {fault.code for fault in checked.faults} <= {"cycle", "unreachable"}


def test_a_condition_that_nobody_can_read_is_refused(context: CheckContext) -> None:
    text = f"campaign: a\nflow:\n  in:\n    audience: {' or '.join(['age > 18'] * 500)}\n    next: end\n"
    [fault] = check_text(text, Path("a.yaml"), context).faults
    assert (fault.code, fault.line, fault.column) == ("condition", 4, 15)


def test_without_today_no_date_is_too_far(context: CheckContext) -> None:
    path = HERE / "broken" / "years.yaml"
    assert check_flow(path, replace(context, today=None)).faults == ()


def test_a_workspace_that_names_no_purposes_is_told_so(context: CheckContext) -> None:
    text = "campaign: a\npurpose: offers\nflow:\n  in:\n    audience: everyone\n    next: end\n"
    [fault] = check_text(text, Path("a.yaml"), replace(context, purposes=())).faults
    assert "contactflow.toml" in fault.remedy
    assert check_text(text, Path("a.yaml"), replace(context, purposes=None)).faults == ()


def test_templates_that_are_not_there_are_told_without_a_loader(context: CheckContext, tmp_path: Path) -> None:
    path = HERE / "good" / "circle.yaml"
    for templates in (tmp_path, tmp_path / "none"):
        [fault] = check_flow(path, replace(context, templates=templates, load_template=None)).faults
        assert fault.code == "no-template"
