"""People are erased after a campaign, and its report says the same as before."""

import re
from pathlib import Path

from sqlalchemy import text

from contactflow.erasing import erase_everywhere
from customers.consent import Source
from customers.tables import CustomerId
from response.render.data import as_json
from tests.response.report_example import a_story, made, winning
from tests.response.response_story import NOON, Story


def told(story: Story) -> str:
    """All that the report says, without the SQL that it asked, in which ids may stand in another order."""
    report = made(story)
    return re.sub(r"\s+", " ", str(as_json(report.document, report.facts)))


def test_the_report_after_some_were_erased_is_the_report_before(tmp_path: Path) -> None:
    with a_story(tmp_path) as story:
        winning(story)
        story.session.execute(text("UPDATE member SET ended = 'flow_ended', ended_at = entered_at"))
        before = told(story)
        bought = story.session.execute(text("SELECT min(customer_id) FROM purchase")).scalar_one()
        for customer_id in (bought, bought + 1, bought + 50, bought + 150):
            assert erase_everywhere(story.session, CustomerId(customer_id), NOON, Source.PAGE)
        assert story.session.execute(text("SELECT count(*) FROM customer WHERE erased_at IS NOT NULL")).scalar() == 4
        assert told(story) == before
