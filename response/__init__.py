"""Measurement: what a campaign changed, with its interval, and the reports that say so.

In a notebook: `from response import report; report("winback").primary`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever imports one module of this package does not wait for all that a report needs
    from response.notebook import CampaignReport, report

__all__ = ["CampaignReport", "report"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from response import notebook  # noqa: PLC0415  # see above

    return getattr(notebook, name)
