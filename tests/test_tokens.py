"""Tokens and short codes: what we wrote reads back, and nothing else does."""

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.errors import SettingsError, TokenError
from store.tokens import SYMBOLS, Signer, _signer, new_code, normalise_code

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
OLD, NEW = b"old key of sixteen", b"new key of sixteen"
SIGNER = Signer([NEW])
SUBJECTS = st.integers(0, 2**63 - 1)
CODES = st.integers(0, 2**32).map(lambda seed: new_code(Random(seed)))
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@given(SUBJECTS, st.none() | st.timedeltas(timedelta(0), timedelta(days=5_000)))
def test_a_token_reads_back_until_it_expires(subject: int, life: timedelta | None) -> None:
    expires = None if life is None else NOW + life
    assert SIGNER.read("page", SIGNER.sign("page", subject, expires), NOW) == subject


@given(SUBJECTS)
def test_a_token_expires_within_the_hour_after_its_time(subject: int) -> None:
    token = SIGNER.sign("page", subject, NOW)
    with pytest.raises(TokenError, match="expired"):
        SIGNER.read("page", token, NOW + timedelta(hours=1))


@given(SUBJECTS)
def test_a_token_is_of_no_use_for_another_purpose(subject: int) -> None:
    with pytest.raises(TokenError):
        SIGNER.read("opt_out", SIGNER.sign("page", subject, None), NOW)


@given(SUBJECTS, st.data())
def test_a_token_with_one_changed_character_is_refused(subject: int, data: st.DataObject) -> None:
    token = SIGNER.sign("page", subject, None)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from(URL_SAFE + "+/= \n%é").filter(lambda each: each != token[place]))
    with pytest.raises(TokenError):
        SIGNER.read("page", token[:place] + letter + token[place + 1 :], NOW)


@given(st.text() | st.text(URL_SAFE))
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        SIGNER.read("page", text, NOW)


def test_a_wrong_token_is_refused_in_the_same_steps_wherever_it_is_wrong() -> None:
    good = SIGNER.sign("page", 77, None)
    first = good.index(".") + 1
    wrong = [Signer([OLD]).sign("page", 77, None), SIGNER.sign("opt_out", 77, None)]
    wrong += [good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :] for place in (1, first, first + 8, len(good) - 1)]
    (way,) = {tuple(steps(token)) for token in wrong}
    assert "compare_digest" in way  # which takes as long whatever differs
    assert tuple(steps(good)) != way


def steps(token: str) -> list[str]:
    """The name of each function, also of those written in C, that is called while a token is refused."""
    called: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event in {"call", "c_call"}:
            called.append(frame.f_code.co_name if event == "call" else getattr(argument, "__name__", ""))

    with suppress(TokenError):
        SIGNER.read("page", token, NOW)  # what is kept from the first time on is not counted
    sys.setprofile(note)
    try:
        with suppress(TokenError):
            SIGNER.read("page", token, NOW)
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.parametrize("addition", ["=", "\n", "!", "."])
def test_a_token_has_one_spelling_only(addition: str) -> None:
    token = SIGNER.sign("page", 7, None)
    for altered in (token + addition, addition + token, token.replace(".", addition + ".")):
        with pytest.raises(TokenError):
            SIGNER.read("page", altered, NOW)


def test_the_newest_key_signs_and_the_older_still_verifies() -> None:
    rotated = Signer([NEW, OLD])
    assert rotated.read("page", Signer([OLD]).sign("page", 7, None), NOW) == 7
    assert Signer([NEW]).read("page", rotated.sign("page", 7, None), NOW) == 7
    with pytest.raises(TokenError):
        Signer([OLD]).read("page", rotated.sign("page", 7, None), NOW)


def test_a_token_is_short_enough_for_an_sms() -> None:
    assert len(SIGNER.sign("page", 100_000_000, NOW)) <= 28
    assert len(SIGNER.sign("page", 2**63 - 1, NOW)) <= 32


@pytest.mark.parametrize("keys", [[], [b""], [b"fifteen bytes.."], [NEW, b"short"]])
def test_a_weak_or_missing_key_is_refused(keys: list[bytes]) -> None:
    with pytest.raises(SettingsError, match="CONTACTFLOW_SECRET_KEY"):
        Signer(keys)


@pytest.mark.parametrize("subject", [-1, 2**63])
def test_a_number_that_no_row_can_have_is_not_signed(subject: int) -> None:
    with pytest.raises(TokenError):
        SIGNER.sign("page", subject, None)


@given(CODES)
def test_a_code_reads_back_however_it_is_typed(code: str) -> None:
    plain = code.replace("-", "")
    for typed in (code, plain, plain.lower(), " ".join(plain), f"  {plain[:4]} – {plain[4:]}. "):
        assert normalise_code(typed) == code
    assert normalise_code(code.replace("0", "o").replace("1", "l").replace("V", "u")) == code


@settings(max_examples=20)
@given(CODES)
def test_any_single_wrong_symbol_is_found(code: str) -> None:
    for place, right in enumerate(code):
        for wrong in SYMBOLS if right != "-" else "":
            if wrong != right:
                with pytest.raises(TokenError):
                    normalise_code(code[:place] + wrong + code[place + 1 :])


@settings(max_examples=20)
@given(CODES)
def test_any_two_symbols_that_changed_places_are_found(code: str) -> None:
    plain = code.replace("-", "")
    for left in range(len(plain)):
        for right in range(left + 1, len(plain)):
            if plain[left] != plain[right]:
                swapped = list(plain)
                swapped[left], swapped[right] = plain[right], plain[left]
                with pytest.raises(TokenError):
                    normalise_code("".join(swapped))


@given(st.text())
def test_no_text_makes_the_reader_of_codes_fall_over(text: str) -> None:
    with suppress(TokenError):
        assert len(normalise_code(text)) == 11


def test_the_hint_says_what_is_wrong_with_a_code() -> None:
    with pytest.raises(TokenError, match="this one has 3"):
        normalise_code("7K3")
    with pytest.raises(TokenError, match="only letters and digits"):
        normalise_code("7K3QX/9MPT")
    with pytest.raises(TokenError, match="typing mistake"):
        normalise_code("00000-00001")


def test_codes_have_no_look_alikes_and_rarely_repeat() -> None:
    random = Random(1)
    codes = {new_code(random) for _ in range(20_000)}
    assert len(codes) == 20_000
    assert not set("ILOU") & set("".join(codes))


@given(SUBJECTS)
def test_a_token_is_what_itsdangerous_would_sign(subject: int) -> None:
    token = Signer([OLD]).sign("page", subject, None)
    assert _signer("page", [OLD]).sign(token.partition(".")[0]).decode() == token
