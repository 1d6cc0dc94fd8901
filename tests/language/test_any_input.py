"""No input whatever makes the check raise; whatever it refuses, it refuses with a place and a remedy."""

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.language.check import Checked, check_text
from engine.language.context import CheckContext
from engine.language.read import read_campaign
from engine.language.source import read_bytes

HERE = Path(__file__).parent
FLOWS = [path.read_text(encoding="utf-8") for path in sorted((HERE / "good").glob("*.yaml"))]
SCRAPS = (
    *("", "~", "null", "yes", "no", "0", "1e3", ".nan", "09:00", "2026-12-01", "-1", "5 days", "999999 weeks", "110%", "1/0", "0%"),
    *("end", "mail", "everyone", "not everyone", "[]", "{}", "[a, b]", "{a: b}", "- a", "? a", "&a b", "*a", "!!python/name:os.system x"),
    *("'", '"', "|", ">", "%", "@", "`", "#", ":", "- ", "\t", "\u2028", "\ufeff", "é", "😀", "\\", "{{ x }}", "{% if %}", "<<", "a: b: c"),
    *("../../etc/passwd", "/", ".", "con", "a" * 300, "((((", "and and", "open of mail", "response to nobody", "purchase since entry"),
)
KEYS = st.sampled_from(
    ["send", "wait", "next", "audience", "flow", "learn", "split", "branch", "update", "variants", "by_segment", "id", "goal"]
)
PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(text: str, context: CheckContext) -> Checked:
    checked = check_text(text, HERE / "winback.yaml", context)
    assert (checked.graph is None) == bool(checked.faults)
    lines = text.count("\n") + 2
    for fault in checked.faults:
        assert fault.message
        assert fault.remedy
        assert fault.file.startswith("templates/") or 1 <= fault.line <= lines
    return checked


@PROPERTY
@given(st.binary(max_size=400))
@example(b"\xef\xbb\xbf")
@example(b"a: &a [*a]")
@example(b"a: &a {<<: *a}")
@example(b"? {a: b}\n: c")
@example(b"!!binary aGVsbG8=")
def test_any_bytes_can_be_read_or_are_refused(content: bytes) -> None:
    source = read_bytes(content, "x.yaml")
    assert source.tree is not None or source.faults
    if source.tree is not None:
        read_campaign(source.tree, "x.yaml")


@PROPERTY
@given(st.text(alphabet=st.sampled_from("ab:-{}[]'\"|>&*!%@`#,?\n \t\\0~"), max_size=120))
def test_any_signs_of_yaml_can_be_read_or_are_refused(text: str) -> None:
    source = read_bytes(text.encode(), "x.yaml")
    assert source.tree is not None or source.faults


@st.composite
def mutated_flows(draw: st.DrawFn) -> str:
    """A good flow with lines deleted, doubled, swapped, indented otherwise, or with other values and keys."""
    lines = draw(st.sampled_from(FLOWS)).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 6)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = " " * draw(st.integers(0, 8)) + lines[at].lstrip()
            case 4:
                key, colon, _ = lines[at].partition(":")
                lines[at] = key + colon + " " + draw(st.sampled_from(SCRAPS))
            case 5:
                key, colon, value = lines[at].partition(":")
                lines[at] = key[: len(key) - len(key.lstrip())] + draw(KEYS) + colon + value
            case _:
                place = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:place] + draw(st.sampled_from(SCRAPS)) + lines[at][place:]
        lines = lines or [""]
    return "\n".join(lines)


@settings(PROPERTY, max_examples=400)
@given(flow=mutated_flows())
def test_no_change_to_a_real_flow_breaks_the_check(flow: str, context: CheckContext) -> None:
    check(flow, context)


@PROPERTY
@given(value=st.text(max_size=60))
def test_no_text_as_a_condition_breaks_the_check(value: str, context: CheckContext) -> None:
    quoted = value.replace("'", "''")
    check(f"campaign: winback\nflow:\n  in:\n    audience: '{quoted}'\n    next: end\n", context)


def tree(depth: int) -> st.SearchStrategy[object]:
    leaf = st.sampled_from(SCRAPS)
    return leaf if depth == 0 else leaf | st.lists(tree(depth - 1), max_size=3) | st.dictionaries(KEYS, tree(depth - 1), max_size=4)


@PROPERTY
@given(document=st.dictionaries(KEYS, tree(3), max_size=4), nodes=st.dictionaries(st.sampled_from("abcd"), tree(3), max_size=4))
def test_known_keys_with_anything_below_them_never_break_the_check(
    document: dict[str, object], nodes: dict[str, object], context: CheckContext
) -> None:
    check(as_flow_style({"campaign": "winback", **document, "flow": nodes}), context)


def as_flow_style(value: object) -> str:
    """YAML in braces, with every text in single quotes or as it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {as_flow_style(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_flow_style(each) for each in value) + "]"
    text = str(value)
    return text if text.isalnum() else "'" + text.replace("'", "''") + "'"
