"""What `check` says of a message that is to be sent without anything personal, over each channel."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from channels.contract import Wording, WordingFault
from channels.email.channel import EmailChannel
from channels.email.compiling import compile_wording
from channels.email.settings import EmailSettings
from channels.sms.channel import SmsChannel
from channels.sms.sandbox import SandboxPhone
from channels.sms.wording import load_wording
from engine.language.check import check_text
from engine.language.context import CHANNELS, CheckContext, LoadTemplate
from engine.language.faults import Fault
from tests.language.conftest import LETTERS

FLOW = """
campaign: spring
purpose: offers
flow:
  in: {audience: everyone}
  mail:
    send: CHANNEL
    SUBJECT
    template: message.TYPE
    unpersonalised: 10%
    next: end
"""
BODY = "<mj-section><mj-column><mj-text>TEXT</mj-text></mj-column></mj-section>"
MJML = f"<mjml><mj-head><mj-title>Hi</mj-title></mj-head><mj-body>{BODY}</mj-body></mjml>"
LETTER = "---\nheading: News\nsigned: [Anna]\n---\nTEXT\n"
FORMS = {"email": ("mjml", MJML), "sms": ("txt", "TEXT {{ links.page }}"), "print": ("md", LETTER)}


def faults(context: CheckContext, root: Path, channel: str, text: str, *, subject: str = "", more: str = "") -> tuple[Fault, ...]:
    kind, form = FORMS[channel]
    (root / f"message.{kind}").write_text(form.replace("TEXT", text))
    flow = FLOW.replace("CHANNEL", channel).replace("TYPE", kind).replace("SUBJECT", f"subject: {subject!r}" if subject else "note: x")
    there = replace(context, templates=root, load_template=loader(root))
    return check_text(flow.replace("    next: end", more + "    next: end"), Path("spring.yaml"), there).faults


def loader(root: Path) -> LoadTemplate:
    def load(channel: str, path: Path, options: Mapping[str, str]) -> Wording | list[WordingFault]:
        if channel == "sms":
            return load_wording(path, root)
        return compile_wording(path, options, root) if channel == "email" else LETTERS.load(path, options, root)

    return load


@pytest.mark.parametrize("channel", ["email", "sms", "print"])
def test_a_template_that_cannot_do_without_a_name_is_told_with_the_variable_and_its_place(
    context: CheckContext, tmp_path: Path, channel: str
) -> None:
    [fault] = faults(context, tmp_path, channel, "Dear {{ customer.first_name }}")
    assert fault.code == "unpersonalised"
    assert fault.file.endswith(f"message.{FORMS[channel][0]}")
    line = (tmp_path / f"message.{FORMS[channel][0]}").read_text().splitlines()[fault.line - 1]
    assert line[fault.column - 1 :].startswith("customer.first_name")
    assert "'customer.first_name'" in fault.message
    assert 'customer.first_name or "..."' in fault.remedy


@pytest.mark.parametrize("channel", ["email", "sms", "print"])
def test_a_template_with_words_that_suit_everyone_is_in_order(context: CheckContext, tmp_path: Path, channel: str) -> None:
    assert faults(context, tmp_path, channel, "Dear {{ customer.first_name or 'reader' }}") == ()
    assert faults(context, tmp_path, channel, "Dear {{ customer.first_name | default('reader') }}") == ()
    assert faults(context, tmp_path, channel, "Dear{% if customer.first_name %} {{ customer.first_name }}{% endif %}") == ()


@pytest.mark.parametrize("channel", ["email", "sms", "print"])
def test_every_variable_is_told_at_once(context: CheckContext, tmp_path: Path, channel: str) -> None:
    text = "{{ customer.first_name }} and {{ customer.favourite }} and {{ customer.language or 'en' }}"
    told = [fault.message.split("'")[3] for fault in faults(context, tmp_path, channel, text)]
    assert told == ["customer.first_name", "customer.favourite"]


def test_what_is_shown_in_one_language_only_is_found(context: CheckContext, tmp_path: Path) -> None:
    text = "{% if customer.language == 'nl' %}Beste {{ customer.first_name }}{% else %}Hello{% endif %}"
    [fault] = faults(context, tmp_path, "sms", text)
    assert "customer.first_name" in fault.message


def test_a_subject_that_cannot_do_without_is_told_in_the_flow(context: CheckContext, tmp_path: Path) -> None:
    [fault] = faults(context, tmp_path, "email", "Hello {{ customer.first_name or '' }}", subject="{{ customer.first_name }}, look")
    assert (fault.file, fault.line, fault.column) == ("spring.yaml", 8, 14)


@pytest.mark.parametrize("text", ["Hello", "Hello in {{ customer.language or 'en' }}", "Sent to {{ customer.email }}"])
def test_a_message_with_nothing_personal_has_nothing_to_compare(context: CheckContext, tmp_path: Path, text: str) -> None:
    [fault] = faults(context, tmp_path, "email", text)
    assert (fault.code, fault.line) == ("nothing-personal", 10)


def test_the_wording_of_a_segment_is_something_personal(context: CheckContext, tmp_path: Path) -> None:
    more = "    by_segment: {families: {subject: For the family}}\n"
    assert faults(context, tmp_path, "email", "Hello", more=more) == ()


def test_the_arms_of_ours_are_not_names_for_variants(context: CheckContext, tmp_path: Path) -> None:
    more = "    variants: {personalised: {share: 50%}, other: {share: 50%}}\n"
    [fault] = faults(context, tmp_path, "email", "Hello {{ customer.first_name or '' }}", more=more)
    assert (fault.code, fault.line) == ("node", 11)


def test_the_check_knows_the_address_of_every_channel() -> None:
    email, sms = (
        EmailChannel(EmailSettings(host="", port=0, sender_address="a@example.com", sender_name="A")),
        SmsChannel(SandboxPhone(Path())),
    )
    assert {name: traits.address for name, traits in CHANNELS.items()} == {each.name: each.addresses for each in (email, sms, LETTERS)}
