"""Customer service has somebody on the telephone: what is kept of them is told, and they are erased."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contactflow.conftest import Call

KEY = "c1"


@pytest.fixture
def shop(call: Call, workspace: Path) -> Path:
    assert call("import", "customers", workspace / "customers.csv", "-w", workspace).code == 0
    return workspace


def kept(call: Call, shop: Path, key: str = KEY) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(call("person", key, "--format", "json", "-w", shop).out)
    return told


def test_everything_that_is_kept_of_somebody_is_told_by_key_and_by_address(call: Call, shop: Path) -> None:
    told = kept(call, shop)
    assert told["customer"]["key"] == KEY
    address = told["customer"]["email"]
    assert kept(call, shop, address.upper())["customer"] == told["customer"]
    words = call("person", KEY, "-w", shop).out
    assert f"E-mail address: {address}" in words
    assert "What you allow: " in words


def test_it_is_written_to_a_file(call: Call, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    assert str(file) in call("person", KEY, "-o", file, "-w", shop).out
    assert json.loads(file.read_text(encoding="utf-8"))["customer"]["key"] == KEY


def test_nobody_and_several_are_told_apart(call: Call, shop: Path) -> None:
    nobody = call("person", "nobody@example.com", "-w", shop)
    assert (nobody.code, "There is no customer" in nobody.err) == (1, True)
    doubles = shop / "doubles.csv"
    doubles.write_text("key,email\nd1,both@example.com\nd2,both@example.com\n")
    call("import", "customers", doubles, "-w", shop)
    several = call("person", "both@example.com", "-w", shop)
    assert (several.code, "2 customers have this address: d1, d2" in several.err) == (1, True)


def test_somebody_is_erased_when_it_is_said_that_one_is_sure(call: Call, shop: Path) -> None:
    unsure = call("erase", KEY, "-w", shop)
    assert (unsure.code, "--yes" in unsure.err) == (2, True)
    erased = json.loads(call("erase", KEY, "--yes", "--format", "json", "-w", shop).out)
    assert call("person", KEY, "-w", shop).code == 1
    told = kept(call, shop, erased["key"])
    assert set(told["customer"]) == {"key", "known_since", "changed_at", "erased_at"}
    assert told["own_attributes"] == {}
    assert told["evidence_of_consent"]["rows"][0]["source"] == "service"
    assert [(each["asked"], each["state"]) for each in told["requests"]["rows"]] == [("erase", "done")]
    again = call("import", "customers", shop / "customers.csv", "-w", shop)
    assert "1 left out because they asked to be erased" in again.out
