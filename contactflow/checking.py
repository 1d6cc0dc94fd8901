"""Checking flows without a database: what `contactflow check` and every command that reads a flow begin with."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from contactflow.adapters import Adapters
from contactflow.asking import asked_in
from contactflow.planned import warnings
from contactflow.settings import Secrets, Settings, read_settings
from customers.conditions.vocabulary import SAID, Vocabulary, suggestion
from engine.language.check import Checked, check_flow
from engine.language.context import CHANNELS, CheckContext
from engine.language.faults import Fault
from engine.nodes.request import JOIN, request_node
from store.clock import SystemClock
from store.errors import NotFoundError


def check_context(root: Path) -> CheckContext:
    """What flows of this workspace are checked against. Raises what read_settings raises."""
    settings = read_settings(root)
    return CheckContext(
        templates=root / "templates",
        vocabulary=Vocabulary.of_workspace(settings.known, settings.segments, tuple(CHANNELS)),
        own_attributes={name: kind.value for name, kind in settings.attributes.items()},
        stated=tuple(SAID + name for name in asked_in(root / "templates")),
        purposes=settings.consent.purposes,
        metrics=settings.measured,
        load_template=Adapters(root, settings, Secrets()).load_template,
        today=_today(settings),
        shown=shown_path,
        tracking=settings.tracking.of(settings.workspace.name),
    )


def check_one(path: Path, context: CheckContext) -> Checked:
    """Check one flow, the landing page that its links lead to, and the page on which people join."""
    checked = check_flow(path, context)
    page, form = _page_of(checked, context), _form_of(checked, context)
    if page is None and form is None:
        return checked
    from landing.frame import frame_faults
    from landing.join_page import JoinPage
    from landing.page import Page
    from landing.page_check import check_page

    attributes, pages = tuple(context.own_attributes), ((page, Page), (form, JoinPage))
    templates, segments = context.templates, tuple(context.vocabulary.segments)
    found = [check_page(file, templates, attributes, shown_path(file), model, segments=segments) for file, model in pages if file]
    faults = (*(fault for each in found for fault in each), *frame_faults(templates, shown_path))
    return replace(checked, faults=faults, graph=None) if faults else checked


def look_faults(root: Path) -> list[Fault]:
    """What is wrong with what all pages share, also those of flows that name none: the brand, and its top, bottom and style."""
    from landing.frame import frame_faults
    from landing.page_check import check_brand

    return [*check_brand(root / "templates", shown_path), *frame_faults(root / "templates", shown_path)]


def warnings_of(root: Path, path: Path, checked: Checked) -> list[Fault]:
    """What is to be known of a flow that is in order; from what was counted before, without a database."""
    return [] if checked.graph is None else list(warnings(root, path, checked.file, checked.graph, SystemClock().now()))


def _page_of(checked: Checked, context: CheckContext) -> Path | None:
    """The campaign's own page, when it has one and the flow itself is in order."""
    if checked.spec is None or checked.spec.page is None:
        return None
    return context.templates / checked.spec.page


def _form_of(checked: Checked, context: CheckContext) -> Path | None:
    """The page file of the form to join, when the flow has one and is in order."""
    node = request_node(checked.graph.nodes, JOIN) if checked.graph else None
    return context.templates / node.page if node and node.page else None


def flow_files(root: Path, names: Sequence[str]) -> tuple[list[Path], list[Fault]]:
    """The files of these flows (of all in flows/ when none is named), and a fault for each that is not there.

    Raises NotFoundError when there are no flows at all.
    """
    if names:
        return _named_files(root, names)
    found = sorted([*(root / "flows").glob("*.yaml"), *(root / "flows").glob("*.yml")])
    if not found:
        raise NotFoundError(f"There are no flows in {root / 'flows'}. Write one, or make a workspace with one: contactflow init DIR")
    return found, []


def _named_files(root: Path, names: Sequence[str]) -> tuple[list[Path], list[Fault]]:
    files, lost = [], []
    for name in names:
        try:
            files.append(flow_file(root, name))
        except NotFoundError as error:
            message, _, remedy = str(error).partition(". ")
            lost.append(Fault(name, 1, 1, "not-there", f"{message[:1].lower()}{message[1:]}.", remedy))
    return files, lost


def flow_file(root: Path, name: str) -> Path:
    """The file of a flow that is named by its path or by its campaign. Raises NotFoundError with the nearest."""
    for path in (Path(name), root / name, root / "flows" / f"{name}.yaml", root / "flows" / f"{name}.yml"):
        if os.path.lexists(path):  # what cannot be read is for the check to say
            return path
    known = [path.stem for path in (root / "flows").glob("*.y*ml")]
    near = suggestion(Path(name).stem, known) or (f"There are: {', '.join(sorted(known))}." if known else "There are no flows yet.")
    raise NotFoundError(f"There is no flow '{name}'. {near}")


def _today(settings: Settings) -> date:
    return SystemClock().now().astimezone(settings.zone).date()


def shown_path(path: Path) -> str:
    """A path as the user would write it: relative when it lies below the current folder."""
    try:
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))  # noqa: PTH100  # a link that leads to itself has no `resolve`
    except ValueError:
        return str(path)
