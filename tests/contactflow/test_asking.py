"""`check` knows which questions the forms ask, so that a template that shows an answer to none of them is told."""

from pathlib import Path

import pytest

from contactflow.asking import asked_in
from tests.contactflow.conftest import Call

PAGE = "title: Hi\nform:\n  interest: {choice: Q, options: {wine: W, cheese: C}}\n  remark: {text: Q}\n"


@pytest.fixture
def templates(workspace: Path) -> Path:
    """With a form on a page, and files of other kinds beside it."""
    folder = workspace / "templates"
    (folder / "spring").mkdir()
    (folder / "spring/page.yaml").write_text(PAGE)
    (folder / "spring/broken.yaml").write_text("form: {a: [")
    (folder / "spring/other.yaml").write_text("form: none")
    return folder


def test_the_questions_of_all_pages_are_known_by_name(templates: Path) -> None:
    (templates / "page.yaml").write_text("form:\n  remark: {text: Q}\n  age: {text: Q}\n")
    assert asked_in(templates) == ("age", "interest", "remark")
    assert asked_in(templates / "nowhere") == ()


def test_what_only_a_variant_or_a_segment_is_asked_is_known_too(templates: Path) -> None:
    own = "variants:\n  short: {share: 50%, form: {colour: {text: Q}}}\n  long: {share: 50%}\n"
    (templates / "spring/page.yaml").write_text(f"{PAGE}{own}by_segment:\n  families: {{form: {{pet: {{text: Q}}}}}}\n")
    assert asked_in(templates) == ("colour", "interest", "pet", "remark")


def test_a_template_may_show_what_a_form_asks(workspace: Path, templates: Path, call: Call) -> None:
    (templates / "hello.txt").write_text("You like {{ customer.said_interest }}: {{ links.opt_out }}\n")
    flow = workspace / "flows/spring.yaml"
    flow.write_text(
        flow.read_text().replace("    template: hello.txt\n    next: end", "    template: hello.txt\n    if_missing: {said_remark: x}")
    )
    found = call("check", "--workspace", workspace)
    assert (found.code, found.err) == (0, ""), found.out


def test_an_answer_to_a_question_that_no_form_asks_is_told_with_the_nearest(workspace: Path, templates: Path, call: Call) -> None:
    (templates / "hello.txt").write_text("You like\n{{ customer.said_intrest }}: {{ links.opt_out }}\n")
    found = call("check", "--workspace", workspace)
    assert found.code == 1
    assert "hello.txt:2:4: nothing provides the variable 'customer.said_intrest'. Did you mean 'customer.said_interest'?" in found.out


def test_an_attribute_of_ones_own_cannot_pass_for_an_answer(workspace: Path, call: Call) -> None:
    settings = workspace / "contactflow.toml"
    settings.write_text(settings.read_text().replace("children = ", 'said_interest = "text"\nchildren = '))
    found = call("check", "--workspace", workspace)
    assert found.code == 1
    assert "begins with 'said_', as the answers to forms do" in found.out + found.err
