"""The pages of a workspace, kept until their file changes."""

import logging
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from channels.brand import BRAND, Brand
from engine.language.faults import render_faults
from engine.language.source import read_source
from landing.page import Page
from landing.page_check import build
from store.errors import InputError

SHIPPED = Path(__file__).parent / "pages"  # for workspaces that have no file of their own
DEFAULT_PAGE = "pages/default.yaml"
NO_NODE = "."  # stands in what a page's variants are written down under, and in the name of no node

_logger = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


def load_page(path: Path) -> Page:
    """The page of a file. Raises InputError that lists every fault."""
    return _load(path, Page)


def load_brand(path: Path) -> Brand:
    """The brand of a file. Raises InputError that lists every fault."""
    return _load(path, Brand)


def load_brand_of(root: Path) -> Brand:
    """The brand of a workspace, or the one that is shipped. Raises InputError that lists every fault."""
    path = root / BRAND
    return load_brand(path) if path.exists() else Brand()


class PageShelf:
    """The pages of a workspace by name, read again when their file changes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[Path, tuple[int, Page]] = {}
        self._paths: dict[str | None, Path] = {}

    def page(self, name: str | None) -> Page:
        """The page that a campaign names; the default one without a name, or when the file is gone or broken.

        A recipient who comes while somebody edits a page sees the last one that was whole.
        """
        path = self._paths.get(name) or page_path(self._root, name)
        if name:
            self._paths[name] = path
        try:
            changed = path.stat().st_mtime_ns
            if path not in self._kept or self._kept[path][0] != changed:
                self._kept[path] = (changed, load_page(path))
        except (OSError, InputError) as error:
            _logger.error("The page file %s cannot be used: %s", path.name, error)  # noqa: TRY400  # a manager's fault, not ours
            return self._kept[path][1] if path in self._kept else load_page(SHIPPED / "default.yaml")
        return self._kept[path][1]


def page_path(root: Path, name: str | None) -> Path:
    """The file of the page that a campaign names: under templates/, or the one that is shipped."""
    path = root / (name or DEFAULT_PAGE)
    return SHIPPED / "default.yaml" if name is None and not path.exists() else path


def compared_as(name: str | None) -> str:
    """What stands for the node in the assignments to variants of a page: its file."""
    file = name or DEFAULT_PAGE
    return file if NO_NODE in file else f"{file}{NO_NODE}page"


def _load(path: Path, model: type[_Model]) -> _Model:
    built, faults = build(read_source(path), model)
    if built is None:
        raise InputError(render_faults(faults))
    return built
