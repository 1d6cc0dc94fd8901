"""Flows of any shape and with any words, for hypothesis."""

from hypothesis import strategies as st

from engine.graph import FlowGraph
from tests.picture.flows import Written, flow_of

WORDS = st.one_of(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60),
    st.text("abcdefg_ ", min_size=1, max_size=120),
    st.sampled_from(["days_since_purchase > 180 and country in ('NL', 'BE')", "W" * 90, "\\N & <b>", '"quoted"', "purchase"]),
).filter(lambda text: text.strip() != "" and "\u2028" not in text and "\u2029" not in text and "\u0085" not in text)


@st.composite
def flows(draw: st.DrawFn) -> FlowGraph:
    """Two to nine nodes of any kind that lead to any others."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 8)))]
    target = st.sampled_from([*names, "end"])
    nodes: Written = {"start": {"audience": draw(WORDS), "next": draw(target), **draw(st.sampled_from([{}, {"holdout": "12.5%"}]))}}
    nodes |= {name: draw(_node(target)) for name in names}
    return flow_of(nodes, title=draw(WORDS), owner=draw(WORDS), exit_when=draw(WORDS))


def _node(target: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, object]]:
    note = st.one_of(st.none(), WORDS)
    return st.one_of(
        st.fixed_dictionaries(
            {
                "send": st.sampled_from(["email", "sms", "print"]),
                "template": st.just("a.txt"),
                "goal": note,
                "unreachable": target,
                "next": target,
            }
        ),
        st.fixed_dictionaries({"wait": st.sampled_from(["5 days", "until monday 09:00"]), "note": note, "next": target}),
        st.fixed_dictionaries({"wait_for": WORDS, "at_most": st.just("2 weeks"), "then": target, "timeout": target}),
        st.fixed_dictionaries({"branch": st.tuples(st.fixed_dictionaries({"when": WORDS, "then": target}), _otherwise(target))}),
        st.fixed_dictionaries({"split": st.fixed_dictionaries({"a": _arm(target), "b": _arm(target)})}),
        st.fixed_dictionaries({"update": st.dictionaries(st.sampled_from(["city", "score"]), WORDS, min_size=1), "next": target}),
        st.fixed_dictionaries({"goal": WORDS}),
    )


def _otherwise(target: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({"otherwise": target})


def _arm(target: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({"share": st.just("50%"), "next": target})
