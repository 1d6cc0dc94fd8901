"""Reading YAML: values stay as written, places are exact, and large or deep files cost nothing."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.faults import Fault, did_you_mean, listed, quoted
from engine.language.source import Mapping, Place, Scalar, Sequence, read_bytes, read_source, read_text


def tree_of(text: str) -> Mapping:
    source = read_text(text, "x.yaml")
    assert source.faults == ()
    assert isinstance(source.tree, Mapping)
    return source.tree


@pytest.mark.parametrize("written", ["no", "09:00", "1e3", "0o17", "2026-12-01", "1_000", ".inf", "true", "12", "0.10", "=", "Off"])
def test_a_plain_value_stays_as_it_was_written(written: str) -> None:
    value = tree_of(f"key: {written}\n").get("key")
    assert isinstance(value, Scalar)
    assert value.text == written


def test_keys_and_values_know_where_they_stand() -> None:
    tree = tree_of("a: 1\nb:\n  - x\n  -   y\n'c d': {e: f}\n")
    assert [entry.key.place for entry in tree.entries] == [Place(1, 1), Place(2, 1), Place(5, 1)]
    items = tree.get("b")
    assert isinstance(items, Sequence)
    assert [item.place for item in items.items] == [Place(3, 5), Place(4, 7)]
    inner = tree.get("c d")
    assert isinstance(inner, Mapping)
    assert inner.entries[0].value.place == Place(5, 12)


@pytest.mark.parametrize(
    ("yaml", "word"),
    [
        ("key: one two three", "three"),
        ("key: one\n  two\n   three", "three"),
        ("key: 'it''s one ''two'' three'", "three"),
        ("key: 'it''s one ''two'' three'", "two"),
        ('key: "one \\"two\\" three"', "three"),
        ("key: >-\n  one\n  two\n\n  three", "three"),
        ("key: >-\n  one\n  two\n\n  three", "two"),
        ("key: |\n    one\n    two three\n", "three"),
        ("key:\n  one\n  two", "two"),
        ("key: {inner: 😀 one two}", "two"),
    ],
)
def test_a_character_of_a_value_is_found_in_the_file(yaml: str, word: str) -> None:
    value = tree_of(yaml).get("key")
    scalar = value.entries[0].value if isinstance(value, Mapping) else value
    assert isinstance(scalar, Scalar)
    place = scalar.place_of(scalar.text.index(word))
    assert yaml.split("\n")[place.line - 1][place.column - 1 :].startswith(word)


@given(st.text(alphabet="ab '\"\\:#é", min_size=1, max_size=30), st.sampled_from(["'", '"']))
def test_every_character_of_a_quoted_text_is_found(text: str, quote: str) -> None:
    inside = text.replace("'", "''") if quote == "'" else text.replace("\\", "\\\\").replace('"', '\\"')
    line = f"key: {quote}{inside}{quote}"
    value = tree_of(line).get("key")
    assert isinstance(value, Scalar)
    assert value.text == text
    for offset, letter in enumerate(text):
        place = value.place_of(offset)
        assert place.line == 1
        if not letter.isspace():
            assert line[place.column - 1] == letter


def test_a_file_of_ten_megabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    flow = tmp_path / "large.yaml"
    flow.write_bytes(b"campaign: large\n" + b"# filling\n" * 1_000_000)
    began = time.perf_counter()
    source = read_source(flow)
    assert time.perf_counter() - began < 0.5
    assert [fault.code for fault in source.faults] == ["too-large"]
    assert "10.0 MB" in source.faults[0].message


def test_a_file_that_does_not_say_its_size_is_not_read_for_ever() -> None:
    assert [fault.code for fault in read_source(Path("/dev/zero")).faults] == ["too-large"]


def test_a_missing_file_and_a_folder_are_faults(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, Path("a\0b")):
        assert [fault.code for fault in read_source(path).faults] == ["unreadable"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_a_fault(tmp_path: Path) -> None:
    flow = tmp_path / "closed.yaml"
    flow.write_text("campaign: closed\n")
    flow.chmod(0)
    assert [fault.code for fault in read_source(flow).faults] == ["unreadable"]


def test_a_multitude_of_values_is_refused_early() -> None:
    began = time.perf_counter()
    source = read_bytes(b"[" + b"a," * 400_000 + b"]", "x.yaml")
    assert time.perf_counter() - began < 2
    assert [fault.code for fault in source.faults] == ["too-long"]


def test_depth_costs_nothing() -> None:
    for opening in (b"[", b"{a: ", b"- ", b"? "):
        faults = read_bytes(opening * 100_000, "x.yaml").faults
        assert [fault.code for fault in faults] == ["depth"]


def test_nothing_is_built_from_a_tag(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = read_text(f"a: !!python/object/apply:os.system ['touch {mark}']\n", "x.yaml")
    assert [fault.code for fault in source.faults] == ["tag"]
    assert not mark.exists()


def test_a_laughing_file_is_refused_without_being_written_out() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 12)]
    codes = {fault.code for fault in read_text("\n".join(lines), "x.yaml").faults}
    assert codes == {"anchor", "alias"}


def test_a_fault_is_shown_as_the_house_writes_it() -> None:
    fault = Fault("flows/winback.yaml", 14, 5, "x", "node 'remind' waits for 'opened'.", "Wait for 'clicked'.")
    assert fault.render() == "flows/winback.yaml:14:5: node 'remind' waits for 'opened'.\n    Wait for 'clicked'."
    assert fault.as_json()["line"] == 14


def test_a_users_text_cannot_steer_the_terminal() -> None:
    assert quoted("\x1b[31mred\n") == "'\\u001b[31mred '"
    assert len(quoted("a" * 500)) < 70


@pytest.mark.parametrize(("word", "meant"), [("templte", "template"), ("Wait-For", "wait_for"), ("subjekt", "subject"), ("zebra", None)])
def test_a_slip_is_understood(word: str, meant: str | None) -> None:
    known = ["template", "wait_for", "subject", "next"]
    assert did_you_mean(word, known) == (f" Did you mean '{meant}'?" if meant else "")


def test_lists_read_as_sentences() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b or c"
    assert listed(map(str, range(20))).endswith("and 4 more")
