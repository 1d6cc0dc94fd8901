"""Letters: the wording, the layout, and print runs for a mail house."""

from channels.print.channel import PrintChannel
from channels.print.settings import PrintSettings

__all__ = ["PrintChannel", "PrintSettings"]
