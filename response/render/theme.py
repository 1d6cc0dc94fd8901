"""How charts look: one typeface, few colours, and none of them needed to tell two things apart."""

INK, SOFT, RULE, BAND, PAPER = "#22262b", "#5b6470", "#dedbd4", "#ebe6d8", "#fdfcfa"
SERIES = ("#1f5f8b", "#a8500f", "#57703a", "#84407d", "#8a6a00")
# What each colour is called in pages/report.css, where the dark page gives it another value.
NAMES = {
    INK: "ink",
    SOFT: "soft",
    RULE: "rule",
    BAND: "band",
    PAPER: "paper",
    **{colour: f"c{place}" for place, colour in enumerate(SERIES)},
}


def page_colours() -> str:
    """Rules that give a drawing's colours the page's own values, so that it follows light, dark and paper."""
    return "\n".join(
        f'figure svg [{use}="{colour}"] {{ {use}: var(--{name}); }}' for colour, name in NAMES.items() for use in ("fill", "stroke")
    )
