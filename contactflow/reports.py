"""The report of a campaign, for the command line and for notebooks."""

from pathlib import Path

from contactflow.bootstrap import open_workspace
from contactflow.page_contrasts import graphs_with_pages
from contactflow.present import present_clock
from contactflow.settings import read_settings
from engine.graph import FlowGraph
from engine.picture.words import Language
from response.building import sources
from response.flow_counts import flow_counts
from response.flow_picture import flow_dot
from response.notebook import CampaignReport
from response.queries import recorded
from response.sections import build_document
from store.session import reading


def counted_flow(graph: FlowGraph, root: Path, language: Language) -> str:
    """A flow as DOT, with the counts of the report of its campaign as of now. Raises NotFoundError for a campaign that has not run."""
    settings = read_settings(root)
    with open_workspace(root) as opened, reading(opened.database) as session:
        now = present_clock(opened.zone).now()
        campaign, currency = graph.campaign.campaign, settings.workspace.currency
        found = sources(session, campaign, now, opened.zone, currency, graphs_with_pages(opened.templates), opened.metrics)
        return flow_dot(graph, flow_counts(found, graph), found.report, language, framed=True)


def campaign_report(campaign: str, root: Path, goal: str | None = None) -> CampaignReport:
    """What the campaign changed, as of now, in the workspace's language.

    Raises NotFoundError for a campaign that has not run, a goal that it does not have, or a folder that is no workspace.
    """
    settings = read_settings(root)
    with open_workspace(root) as opened, reading(opened.database) as session:
        now = present_clock(opened.zone).now()
        with recorded(session) as asked:
            graph_of, currency = graphs_with_pages(opened.templates), settings.workspace.currency
            found = sources(session, campaign, now, opened.zone, currency, graph_of, opened.metrics, goal)
        document = build_document(found, asked)
    return CampaignReport(document, found.report, settings.workspace.language)
