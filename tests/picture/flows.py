"""Flows to draw, built from the node classes themselves."""

from engine.campaign import CampaignSpec, LearningGoal
from engine.graph import FlowGraph, build_graph
from engine.nodes import Node, node_types

Written = dict[str, dict[str, object]]


def flow_of(nodes: Written, **header: object) -> FlowGraph:
    """A graph of nodes as an author would write them."""
    return build_graph(
        CampaignSpec.model_validate({"campaign": "test", **header, "flow": {key: node_of(key, each) for key, each in nodes.items()}})
    )


def node_of(node_id: str, written: dict[str, object]) -> Node:
    kind = next(kind for word, kind in node_types().items() if word in written)
    return kind.model_validate({"id": node_id, **written})


WINBACK_NODES: Written = {
    "lapsed": {"audience": "days_since_purchase > 180 and country in ('NL', 'BE')", "holdout": "10%"},
    "mail": {
        "send": "email",
        "goal": "visits the page",
        "variants": {
            "personal": {"share": "50%", "template": "winback/personal.mjml"},
            "general": {"share": "50%", "template": "winback/general.mjml"},
        },
        "by_segment": {"families": {"subject": "{{ customer.first_name }}, something for the whole family"}},
    },
    "answer": {"wait_for": "response to mail", "at_most": "5 days", "then": "won", "timeout": "phone"},
    "phone": {"branch": [{"when": "reachable by sms", "then": "text"}, {"otherwise": "letter"}]},
    "text": {"send": "sms", "template": "winback/reminder.txt", "next": "patience"},
    "letter": {"send": "print", "template": "winback/letter", "release": "next monday 09:00"},
    "patience": {"wait_for": "purchase", "at_most": "14 days", "then": "won", "timeout": "end"},
    "won": {"goal": "purchase"},
}
LEARN = LearningGoal.model_validate(
    {
        "question": "Does a personal pick bring back more people than a general offer?",
        "metric": "purchase",
        "within": "28 days",
        "minimum_lift": "1 point",
    }
)


def winback() -> FlowGraph:
    return flow_of(
        WINBACK_NODES,
        campaign="winback",
        title="Win back lapsed customers",
        owner="marketing",
        purpose="offers",
        learn=LEARN,
        exit_when="purchase since entry",
    )


def three_arms() -> FlowGraph:
    nodes: Written = {
        "members": {"audience": "in segment members"},
        "lottery": {
            "split": {
                "mens": {"share": "1/3", "next": "mens_mail"},
                "womens": {"share": "1/3", "next": "womens_mail"},
                "control": {"share": "1/3", "control": True, "next": "end"},
            }
        },
        "mens_mail": {"send": "email", "template": "mens.mjml", "subject": "New for men this autumn", "next": "two_weeks"},
        "womens_mail": {"send": "email", "template": "womens.mjml", "subject": "New for women this autumn", "next": "two_weeks"},
        "two_weeks": {"wait": "14 days", "next": "end"},
    }
    return flow_of(nodes, campaign="autumn", title="Autumn collection", owner="e-commerce", purpose="offers", reentry="12 weeks")


def every_kind() -> FlowGraph:
    nodes: Written = {
        "everybody": {"audience": "everyone", "holdout": "12.5%"},
        "arms": {"split": {"warm": {"share": "50%", "next": "hello"}, "cool": {"share": "50%", "next": "pause"}}},
        "hello": {"send": "email", "template": "hello.mjml", "goal": "opens the page", "unreachable": "paper", "next": "reply"},
        "pause": {"wait": "until monday 09:00", "next": "ping"},
        "ping": {"send": "sms", "template": "ping.txt", "next": "reply"},
        "reply": {"wait_for": "response to hello", "at_most": "36 hours", "then": "remember", "timeout": "paper"},
        "paper": {"send": "print", "template": "paper", "release": "2026-12-01 09:00", "next": "known"},
        "remember": {"update": {"interest": "garden", "consent": {"sms": False}}, "note": "asked for by the shop"},
        "known": {"branch": [{"when": "purchase_count >= 3 and last_purchase_on > '2026-01-01'", "then": "won"}, {"otherwise": "end"}]},
        "won": {"goal": "a second purchase"},
        "end": {"end": "nothing more to say"},
    }
    return flow_of(
        nodes, campaign="kinds", title="Every kind of node", owner="the whole team", learn=LEARN, exit_when="purchase since entry"
    )


def sixty() -> FlowGraph:
    """Sixty nodes: three arms, each of which goes three times through a message, an answer, a choice and a reminder."""
    arms = ("spring", "summer", "plain")
    nodes: Written = {"all": {"audience": "purchase_count > 0 and country in ('NL', 'BE', 'LU')", "holdout": "5%"}}
    nodes["arms"] = {"split": {arm: {"share": "1/3", "next": f"{arm}_mail_1"} for arm in arms}}
    for arm in arms:
        for turn in (1, 2, 3):
            nodes |= _turn(arm, turn)
        nodes[f"{arm}_thanks"] = {"send": "email", "template": f"{arm}/thanks.mjml", "goal": "feels welcome", "next": "won"}
    nodes["won"] = {"goal": "purchase"}
    return flow_of(nodes, campaign="seasons", title="A year of seasons", owner="brand team", purpose="offers", learn=LEARN)


def _turn(arm: str, turn: int) -> Written:
    def name(word: str) -> str:
        return f"{arm}_{word}_{turn}"

    after = f"{arm}_mail_{turn + 1}" if turn < 3 else "end"
    return {
        name("mail"): {"send": "email", "template": f"{arm}/mail.mjml", "goal": "looks at the collection", "next": name("answer")},
        name("answer"): {"wait_for": f"response to {name('mail')}", "at_most": "5 days", "then": f"{arm}_thanks", "timeout": name("reach")},
        name("reach"): {"branch": [{"when": "reachable by sms", "then": name("text")}, {"otherwise": name("rest")}]},
        name("text"): {"send": "sms", "template": f"{arm}/text.txt", "next": name("bought")},
        name("rest"): {"wait": f"{turn + 1} weeks", "next": name("bought")},
        name("bought"): {"wait_for": "purchase", "at_most": "14 days", "then": "won", "timeout": after},
    }


def nasty() -> FlowGraph:
    """Words that break pictures: markup, quotes, long words, other scripts, signs that XML cannot hold, and a cycle."""
    nodes: Written = {
        "in": {
            "audience": "name = 'O\"Neill & <b>Zn</b> \\N' "
            "or city in ('’s-Hertogenbosch', 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch')"
        },
        "very_long_name_of_a_node_that_never_seems_to_end_at_all": {
            "send": "email",
            "template": "x/&amp;.mjml",
            "goal": "Ελληνικά, Кириллица, 中文字符测试中文字符测试中文字符测试, עברית, 🎉🎉🎉 \u0007\ufffe",
            "variants": {"a-b": {"share": "1/3"}, "quote": {"share": "2/3"}},
        },
        "rest": {"wait": "999999 minutes", "note": "x" * 200, "next": "choice"},
        "choice": {
            "branch": [{"when": "a_very_long_attribute_name_that_goes_on = 'v' and " * 12 + "x > 1", "then": "rest"}, {"otherwise": "end"}]
        },
    }
    return flow_of(nodes, title='A <title> & \\N "quoted" — ' + "long " * 30, owner="R&D <x@y>", campaign="nasty")
