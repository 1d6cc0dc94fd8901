"""A campaign's report in a notebook: figures as data frames, and the page itself."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from functools import cached_property
from html import escape
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from response.facts import Comparison, Report
from response.parts import Document
from response.statistics.sums import Effect
from store.errors import NotFoundError

if TYPE_CHECKING:  # a tenth of a second that only data frames need
    import polars as pl

ENTRY_POINTS = "contactflow.workspace"  # who can open a workspace registers here: this layer does not know them
Opener = Callable[[str, Path], "CampaignReport"]


@dataclass(frozen=True)
class CampaignReport:
    """What a campaign changed. Every figure is per customer assigned; undefined is null."""

    document: Document
    facts: Report
    language: str = "en"

    @property
    def campaign(self) -> str:
        """The campaign's name."""
        return self.document.name

    @cached_property
    def primary(self) -> "pl.DataFrame":
        """The comparisons that answer the learning goal, a row for each arm."""
        import polars as pl  # noqa: PLC0415  # see above

        return self.comparisons.filter(pl.col("primary"))

    @cached_property
    def comparisons(self) -> "pl.DataFrame":
        """Every arm against its control on every metric; an effect is three columns: NAME, NAME_low and NAME_high."""
        import polars as pl  # noqa: PLC0415  # see above

        rows = [_flat(each) for each in self.facts.comparisons]
        return pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame(schema=[field.name for field in fields(Comparison)])

    @cached_property
    def tables(self) -> "Mapping[str, pl.DataFrame]":
        """Every table of the report by its name."""
        from response.render.frames import frames  # noqa: PLC0415  # see above

        return frames(self.document, self.language)

    def table(self, name: str) -> "pl.DataFrame":
        """One table. Raises NotFoundError, with the nearest names that there are."""
        if name not in self.tables:
            near = get_close_matches(name, self.tables, 3, 0.5)
            guess = f" Did you mean {' or '.join(near)}?" if near else ""
            raise NotFoundError(f"The report on '{self.campaign}' has no table '{name}'.{guess} It has: {', '.join(self.tables)}.")
        return self.tables[name]

    @cached_property
    def sections(self) -> Mapping[str, list[str]]:
        """The sentences of every section, by its name."""
        from response.render.data import sections_as_json  # noqa: PLC0415  # see above

        found = sections_as_json(self.document, self.language)
        return {section["name"]: [said["text"] for said in section["says"]] for section in found}

    @property
    def html(self) -> str:
        """The page, as `contactflow report` writes it."""
        from response.render.html import as_html  # noqa: PLC0415  # see above

        return as_html(self.document, self.language)

    def in_language(self, language: str) -> "CampaignReport":
        """The same report in another language: en or nl."""
        return replace(self, language=language)

    def __repr__(self) -> str:
        from response.render.reader import Reader  # noqa: PLC0415  # see above

        read = Reader(self.language, self.document)
        return "\n".join(read.say(each) for each in self.document.headline)

    def _repr_html_(self) -> str:
        """In a frame of its own, so that neither page changes how the other looks."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" style="width: 100%; height: 80vh; border: 0" title="{escape(self.campaign)}"></iframe>'
        )


def report(campaign: str, workspace: str | Path = ".") -> CampaignReport:
    """The report on a campaign of the workspace in that folder.

    Raises NotFoundError for a campaign that has not run, or a folder that is no workspace.
    """
    found = entry_points(group=ENTRY_POINTS)
    if not found:
        raise NotFoundError("Nothing here can open a workspace. Install contactflow in this environment: pip install contactflow")
    opener: Opener = next(iter(found)).load()
    return opener(campaign, Path(workspace))


def _flat(found: Comparison) -> dict[str, object]:
    """A comparison as a row: effects in three columns each, verdicts as their words."""
    row: dict[str, object] = {}
    for name, value in ((field.name, getattr(found, field.name)) for field in fields(found)):
        if name in ("absolute", "relative", "cace"):
            row |= _three(name, value)
        elif name == "cuped":
            row |= _three("cuped_absolute", value and value.absolute) | _three("cuped_relative", value and value.relative)
            row |= {"cuped_p_value": value and value.p_value, "cuped_rho_squared": value and value.rho_squared}
        else:
            row[name] = getattr(value, "value", value)
    return row | {"arm_rate": found.arm_rate, "control_rate": found.control_rate}


def _three(name: str, effect: Effect | None) -> dict[str, object]:
    known = asdict(effect) if effect else {"estimate": None, "low": None, "high": None}
    return {name: known["estimate"], f"{name}_low": known["low"], f"{name}_high": known["high"]}
