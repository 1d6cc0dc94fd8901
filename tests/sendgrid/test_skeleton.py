"""Mails that share one text: with their values put back as SendGrid does it, each is the one that was composed."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import Content
from channels.email.sendgrid.fake import Mail
from channels.email.sendgrid.parcels import parcels
from channels.email.sendgrid.skeleton import MOST_SUBSTITUTED, Skeleton, skeletons
from channels.email.wording import EmailWording
from tests.sendgrid.trial import mail

HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["-cf0x0-", "cf0x", "-cf0", "x1-", "cf", "0x0-", "-cf1x0--cf0x1-", "<b>&amp;'\"", "{{ name }}", "{{name}}", "%name% [Unsubscribe]"]
    ),
    st.sampled_from(["<%body%>", "line\nbreak\r\n", "=20=\r\n", "=", "€ ☕ 👩‍👩‍👧", "a" * 400, "é" * 90, " ", ".", ".\n."]),
)
TEMPLATES = st.sampled_from(
    [
        "Dear {{ name }},\n\nlook: {{ link }}\n\n{{ name }}\n",
        "{{ name }}{{ link }}{{ name }}",
        "-cf0{{ name }}x0- and -cf0x{{ link }}-\n.{{ name }}\n",
        "{% if name %}<p>For you</p>\n<p>{{ name }}</p>\n{% endif %}<p>All</p>\n<p>{{ link }}</p>\n",
        "{% for letter in name %}<li>{{ letter }}</li>\n{% endfor %}{{ link or 'nothing' }}\n",
        "{% if name %}One long text for some\n{% else %}another for the others\n{% endif %}",
        "é" * 60 + "{{ name }}" + "ü" * 200 + "{{ link }}\n",
    ]
)


def composed(wording: EmailWording, people: list[tuple[str, str]]) -> list[Content]:
    contents = [wording.compose({"name": name, "link": link}) for name, link in people]
    return [content for content in contents if isinstance(content, Content)]


@given(subject=TEMPLATES, text=TEMPLATES, html=TEMPLATES, people=st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_whatever_the_values_each_mail_comes_out_as_it_was_composed(
    subject: str, text: str, html: str, people: list[tuple[str, str]]
) -> None:
    wording = EmailWording(f"News {subject}", text, html)
    contents = composed(wording, people)
    messages = [mail(number, {"name": name, "link": link}, wording) for number, (name, link) in enumerate(people)]
    found = {
        message.key: Mail(
            {"content": [{"type": f"text/{kind}", "value": parcel.parts[name]} for name, kind in (("text", "plain"), ("html", "html"))]},
            {"subject": message.content.parts["subject"], "substitutions": values},
            "",
        ).parts
        for parcel in parcels(messages)
        for message, values in zip(parcel.messages, parcel.values, strict=True)
    }
    assert len(found) == len(messages)
    for message, content in zip(messages, contents, strict=True):
        assert found[message.key] == dict(content.parts)


def put_back(wording: EmailWording, values: list[dict[str, Any]]) -> list[str]:
    """The html of each, with the values of its tags put in."""
    found = {}
    for skeleton in shared(wording, values):
        for place, own in skeleton.values.items():
            request = {"content": [{"type": "text/html", "value": skeleton.parts["html"]}]}
            found[place] = Mail(request, {"subject": "Hi", "substitutions": own}, "").parts["html"]
    return [found[place] for place in range(len(values))]


@pytest.mark.parametrize("before", range(60, 80))
def test_a_name_that_looks_like_a_tag_is_seen_through_a_soft_line_break(before: int) -> None:
    names = ["a" * before + "-cf0x0-", "a" * before + "-cf0x1-"]
    assert put_back(EmailWording("Hi", "Hi\n", "{{ name }}\n"), [{"name": name} for name in names]) == [f"{name}\n" for name in names]


@pytest.mark.parametrize("before", range(10, 16))
def test_a_line_may_end_within_a_character(before: int) -> None:
    names = ["é" * before + "é!", "é" * before + "è!"]
    assert put_back(EmailWording("Hi", "Hi\n", "{{ name }}\n"), [{"name": name} for name in names]) == [f"{name}\n" for name in names]


def shared(wording: EmailWording, values: list[dict[str, Any]]) -> list[Skeleton]:
    contents = [wording.compose(each) for each in values]
    return list(skeletons([content.parts.quoted for content in contents if isinstance(content, Content)]))  # type: ignore[attr-defined]  # an EmailWording's parts have it


def test_what_is_said_in_several_places_is_one_tag() -> None:
    wording = EmailWording("Hi", "{{ name }} and again {{ name }}\n", "<p>{{ name }}</p>\n<a href='{{ link }}'>{{ name }}</a>\n")
    people = [{"name": f"Anna{number}", "link": f"https://x.example/{number}"} for number in range(5)]
    (skeleton,) = shared(wording, people)
    assert list(skeleton.values[3].values()) == ["Anna3", "https://x.example/3"]
    assert skeleton.parts["text"] == "-cf0x0- and again -cf0x0-\n"


def test_a_paragraph_that_only_some_get_does_not_part_them() -> None:
    long = "".join(f"<p>the same for all {number}</p>\n" for number in range(20))
    wording = EmailWording("Hi", "Hi\n", long + "{% if extra %}<p>For families</p>\n{% endif %}" + long)
    (skeleton,) = shared(wording, [{"extra": number % 2} for number in range(6)])
    assert [list(skeleton.values[number].values()) for number in range(2)] == [[""], ["<p>For families</p>\n"]]


def test_two_wordings_in_a_batch_are_two_texts() -> None:
    one, other = (EmailWording("Hi", "Hi {{ name }}\n", "".join(f"<p>{word} {n}</p>\n" for n in range(9))) for word in ("one", "other"))
    contents = [wording.compose({"name": f"Anna{number}"}) for number, wording in enumerate([one, other] * 4)]
    found = list(skeletons([content.parts.quoted for content in contents if isinstance(content, Content)]))  # type: ignore[attr-defined]  # see above
    assert sorted(sorted(each.values) for each in found) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_who_has_too_much_of_its_own_goes_alone() -> None:
    wording = EmailWording("Hi", "Hi\n", "<p>the same</p>\n" * 400 + "{{ name }}\n")
    found = shared(wording, [{"name": "é" * (MOST_SUBSTITUTED // 2 if number == 1 else 10) + str(number)} for number in range(4)])
    assert sorted(sorted(each.values) for each in found) == [[0, 2, 3], [1]]
    assert next(each for each in found if 1 in each.values).values == {1: {}}


def test_mails_that_have_nothing_in_common_go_one_by_one_and_soon() -> None:
    wording = EmailWording("Hi", "{{ name }}\n", None)
    found = shared(wording, [{"name": f"{number} " * 3_000} for number in range(300)])
    assert len(found) == 300
    assert all(values == {} for each in found for values in each.values.values())
