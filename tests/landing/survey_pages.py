"""A page whose form has several pages, and somebody who fills them in without a script."""

import re
from html import unescape

import httpx

from tests.landing.landing_pages import Pages

SURVEY = """
title: How was it?
greeting: "Hello {{ customer.first_name | default('there') }},"
form:
  score: {scale: "How are we doing?", required: yes}
  reason: {choice: "What went wrong?", options: {late: Late, cold: Cold}, required: yes}
  remark: {long_text: "What else, {{ customer.first_name | default('reader') }}?"}
  name: {text: Your name, from: customer.first_name}
  mail: {email: "Where do we write to?"}
pages:
  start:
    ask: [score]
    next:
      - {when: {score: ["1", "2"]}, then: sorry}
      - {otherwise: close}
  sorry:
    title: We are sorry
    ask: [reason, remark]
  close:
    ask: [name, mail]
button: Send it all
"""


class Filler:
    """Somebody at a form: opens a page of it, and sends it with what its hidden fields say."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.shown = pages.browser.get(pages.path())

    def send(self, **typed: str) -> httpx.Response:
        """Send the page that is shown, and go where that leads."""
        hidden = {name: unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', self.shown.text)}
        self.shown = self.pages.browser.post(self.pages.path(), data=hidden | typed, follow_redirects=True)
        return self.shown

    def go_back(self) -> httpx.Response:
        """Follow the link to the page before."""
        found = re.search(r'class="button quiet" href="([^"]+)"', self.shown.text)
        assert found, "there is no way back"
        self.shown = self.pages.browser.get(unescape(found[1]))
        return self.shown


def with_survey(pages: Pages) -> Filler:
    """Make the campaign's page a form over several, and open it."""
    (pages.settings.templates / "winback/page.yaml").write_text(SURVEY)
    return Filler(pages)
