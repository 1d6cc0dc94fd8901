"""SendGrid's v3 interface as a way for mail to leave, and its webhook as a way back.

Not over the official client (sendgrid 6.12): it cannot tell a request that never left from one whose answer was lost, opens a connection
for each request, and writes requests to the log, addresses and all. The tests hold it against the same server as ours.
"""

from channels.email.sendgrid.settings import SendGridSettings
from channels.email.sendgrid.transport import SendGridTransport

__all__ = ["SendGridSettings", "SendGridTransport"]
