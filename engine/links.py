"""The personal links of a message: made when it is composed, read when a recipient follows one."""

from datetime import datetime, timedelta
from typing import Literal

from store.tokens import Signer

LinkPurpose = Literal["page", "opt_out", "one_click", "preferences", "confirm", "my_data", "click", "open"]

LINK_LIFE = timedelta(days=365)  # how long a message leads to its page, and to what its recipient chose
CONFIRM_LIFE = timedelta(days=7)  # how long somebody who asked to join may confirm it
MY_DATA_LIFE = timedelta(days=1)  # how long somebody who asked for their data may see it

PATHS: dict[LinkPurpose, str] = {
    "page": "p",
    "opt_out": "o",
    "one_click": "u",
    "preferences": "s",
    "confirm": "j",
    "my_data": "d",
    "click": "l",
    "open": "e",
}  # short: they stand in SMS and QR codes


class Links:
    """Builds and reads the links of a message. `base_url` is where the landing pages are reached, as in contactflow.toml."""

    def __init__(self, base_url: str, signer: Signer) -> None:
        self._base = base_url.rstrip("/")
        self._signer = signer

    def for_message(self, message_id: int, expires: datetime | None) -> dict[str, str]:
        """The links that a template may use: page, opt_out and one_click (the RFC 8058 target), as full addresses.

        Only the page expires: whoever finds an old message may always say stop.
        """
        return {
            "page": self.link("page", message_id, expires),
            "opt_out": self.link("opt_out", message_id, None),
            "one_click": self.link("one_click", message_id, None),
        }

    def followed(self, message_id: int) -> dict[str, str]:
        """What stands in front of the number of a followed link, and the address of the picture that tells of an opening.

        Neither expires: nobody loses a link because we wanted to know.
        """
        return {"click": self.link("click", message_id, None), "open": f"{self.link('open', message_id, None)}.gif"}

    def link(self, purpose: LinkPurpose, message_id: int, expires: datetime | None) -> str:
        """One link of a message."""
        return f"{self._base}/{PATHS[purpose]}/{self._signer.sign(purpose, message_id, expires)}"

    def message_of(self, purpose: LinkPurpose, token: str, now: datetime) -> int:
        """The message that a link's token stands for. Raises TokenError, without saying which part of it was wrong."""
        return self._signer.read(purpose, token, now)

    @staticmethod
    def path(purpose: LinkPurpose) -> str:
        """The part of an address that says what its token is for."""
        return PATHS[purpose]

    @property
    def code_url(self) -> str:
        """Where a short code from a letter is typed in: the front page, because nobody types more."""
        return f"{self._base}/"
