"""Code and amounts within sentences, on a page and on paper."""

import re

from response.render.prose import on_page, on_paper


def test_what_stands_between_backticks_is_code_and_everything_is_escaped() -> None:
    told = "Write `learn: <x>` & see"
    assert on_page(told) == "Write <code>learn: &lt;x&gt;</code> &amp; see"
    assert re.sub(r"<font[^>]*>|</font>", "", on_paper(told)) == "Write learn: &lt;x&gt; &amp; see"


def test_an_amount_stays_on_one_line() -> None:
    assert on_page("cost +€8,942.94 (−€\u00a01,50 to €3).") == (
        'cost <span class="whole">+€8,942.94</span> (<span class="whole">−€\u00a01,50</span> to <span class="whole">€3</span>).'
    )
    assert on_page("7 of 10 in 2018-07") == "7 of 10 in 2018-07"
