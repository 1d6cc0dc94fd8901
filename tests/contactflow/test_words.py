"""What is said on the terminal when there is much to say."""

from zoneinfo import ZoneInfo

from contactflow.commands.words import standing_as_json, standing_in_words
from engine.counting import Standing


def test_a_hundred_unknown_messages_are_shown_and_a_program_gets_them_all() -> None:
    unknown = [(number, "mail", f"c{number}") for number in range(1, 151)]
    standing = Standing("spring", ("1",), {}, {}, {}, {("mail", "unknown"): 150}, None, unknown)
    told = standing_in_words(standing, ZoneInfo("UTC"), in_full=True)
    assert "150 messages may or may not have been sent" in told
    assert ("c100" in told, "c101" in told) == (True, False)
    assert "and 50 more: --format json lists them" in told
    assert [each["message"] for each in standing_as_json(standing)["unknown"]] == list(range(1, 151))
