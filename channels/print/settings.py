"""What the print channel is told by contactflow.toml."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Window = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class PrintSettings:
    """Where letters go and who sends them.

    `sender` is the name and then the address, a line each, as it stands in the letterhead. `window` is the side of the
    envelope's window: left as in DIN 5008 form B, or right as in most Dutch envelopes. `landing` is what people type to
    reach the page where a short code is asked for, without https://. `typeface` is a folder with the house's own
    *-Regular.ttf, *-Bold.ttf and *-Italic.ttf.
    """

    folder: Path
    sender: tuple[str, ...]
    country: str = "NL"  # the sender's: ISO 3166-1 alpha-2
    window: Window = "left"
    landing: str = "localhost"
    typeface: Path | None = None
