"""The report of a campaign, for the command line and for notebooks."""

from pathlib import Path

from contactflow.bootstrap import open_workspace
from contactflow.present import present_clock
from contactflow.settings import read_settings
from engine.campaigns import stored_graph
from response.building import sources
from response.notebook import CampaignReport
from response.queries import recorded
from response.sections import build_document
from store.session import reading


def campaign_report(campaign: str, root: Path, goal: str | None = None) -> CampaignReport:
    """What the campaign changed, as of now, in the workspace's language.

    Raises NotFoundError for a campaign that has not run, a goal that it does not have, or a folder that is no workspace.
    """
    settings = read_settings(root)
    with open_workspace(root) as opened, reading(opened.database) as session:
        now = present_clock(opened.zone).now()
        with recorded(session) as asked:
            found = sources(session, campaign, now, opened.zone, settings.workspace.currency, stored_graph, opened.metrics, goal)
        document = build_document(found, asked)
    return CampaignReport(document, found.report, settings.workspace.language)
