"""What a mail server of ours says that it can do: the listener for returned mail and the inbox greet alike."""

from aiosmtpd.smtp import SMTP, Envelope, Session


class Greeting:
    """The part of an aiosmtpd handler that answers EHLO."""

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What aiosmtpd says, and what it does without saying so. The last line is marked as such, and stays the last."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]
