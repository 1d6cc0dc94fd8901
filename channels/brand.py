"""The look that all mails and pages of a workspace share: templates/brand/brand.yaml."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from yaml import MarkedYAMLError, YAMLError, safe_load

from channels.colours import BLACK, WHITE, ink_on, readable_on
from channels.contract import WordingFault

BRAND = "brand/brand.yaml"
_DARK_PAPER, _DARK_BACKGROUND = "#24201d", "#171412"
_COLOUR = r"^#[0-9a-fA-F]{6}$"
Colour = Annotated[str, Field(pattern=_COLOUR)]


class Brand(BaseModel):
    """How all mails and pages of a workspace look: templates/brand/brand.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accent: Colour = Field("#a8431f", description="The colour of buttons and links, as #rrggbb.")
    heading: Colour = Field("#7d2f14", description="The colour of headlines in mails.")
    text: Colour = Field("#3b2a20", description="The colour of text in mails.")
    quiet: Colour = Field("#7a6553", description="The colour of small print in mails.")
    paper: Colour = Field("#fffaf2", description="What text stands on in mails.")
    background: Colour = Field("#f6e9d8", description="What lies around it.")
    font: Annotated[str, Field(pattern=r'^[^"<>{};]+$')] = Field(
        "Georgia, 'Times New Roman', serif", description="The letters of mails: those that mail programs have, the first that is there."
    )
    logo: str | None = Field(None, description="The logo's file under templates/; without one, the sender's name.")

    @property
    def names(self) -> Mapping[str, str]:
        """What ``{{ brand.NAME }}`` stands for in a mail, with the colours for dark screens; all but the logo have a value."""
        given = {name: value or "" for name, value in self.model_dump().items()}
        return given | {
            "on_accent": ink_on(self.accent),
            "dark_accent": readable_on(self.accent, _DARK_PAPER, WHITE),
            "dark_heading": readable_on(self.heading, _DARK_PAPER, WHITE),
            "dark_text": readable_on("#f1e7db", _DARK_PAPER, WHITE),
            "dark_quiet": readable_on(self.quiet, _DARK_PAPER, WHITE),
            "dark_paper": _DARK_PAPER,
            "dark_background": _DARK_BACKGROUND,
            "link": readable_on(self.accent, self.paper, BLACK),
        }


def read_brand(root: Path) -> Brand | list[WordingFault]:
    """The brand of the templates in `root`, the one that ships where there is none, or all that is wrong with its file."""
    file = root / BRAND
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Brand()
    except (OSError, UnicodeDecodeError):
        return [WordingFault(file, 1, 1, "the brand cannot be read.", "Save it as a text file in UTF-8.")]
    try:
        return Brand.model_validate(safe_load(text) or {})
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [WordingFault(file, line, 1, f"{error.problem}.", 'Write `name: value`, such as accent: "#a8431f".')]
    except YAMLError:
        return [WordingFault(file, 1, 1, "this is no YAML.", 'Write `name: value`, such as accent: "#a8431f".')]
    except ValidationError as error:
        names = [str(fault["loc"][0]) if fault["loc"] else "" for fault in error.errors()]
        return [_fault(file, text, name) for name in names]


def _fault(file: Path, text: str, name: str) -> WordingFault:
    at = re.search(rf"^{re.escape(name)}\s*:", text, re.MULTILINE) if name else None
    line = text.count("\n", 0, at.start()) + 1 if at else 1
    if name not in Brand.model_fields:
        return WordingFault(file, line, 1, f"'{name}' is not known.", f"A brand has {', '.join(Brand.model_fields)}.")
    return WordingFault(file, line, 1, f"'{name}' cannot be that.", Brand.model_fields[name].description or "")
