"""The pages of a workspace, kept until their file changes."""

import logging
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from channels.brand import Brand, read_brand
from engine.language.faults import render_faults
from engine.language.source import read_source
from landing.page import Page
from landing.page_check import build, check_brand
from store.errors import InputError

SHIPPED = Path(__file__).parent / "pages"  # for workspaces that have no file of their own
DEFAULT_PAGE = "pages/default.yaml"
NO_NODE = "."  # stands in what a page's variants are written down under, and in the name of no node

_logger = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)
_Sign = tuple[int, int]


def load_page(path: Path) -> Page:
    """The page of a file. Raises InputError that lists every fault."""
    built, faults = build(read_source(path), Page)
    if built is None:
        raise InputError(render_faults(faults))
    return built


def load_brand_of(root: Path) -> Brand:
    """The brand of a workspace, or the one that is shipped. Raises InputError that lists every fault."""
    found = read_brand(root)
    if isinstance(found, list):
        raise InputError(render_faults(check_brand(root)))
    return found


class Shelf(Generic[_Model]):
    """Files of one kind, read again when they change: whoever comes while somebody edits one sees what it held when it was last whole."""

    def __init__(self, model: type[_Model]) -> None:
        self._model = model
        self._kept: dict[Path, tuple[_Sign | None, _Model | None]] = {}

    def at(self, path: Path) -> _Model | None:
        """What a file holds; None when it was not whole yet. What is broken is told once, and read again when it changes."""
        sign, (known, whole) = _sign_of(path), self._kept.get(path, (None, None))
        if sign is not None and sign == known:
            return whole
        built, faults = build(read_source(path), self._model)
        if built is None:
            _logger.error("The page file %s cannot be used: %s", path.name, render_faults(faults))
        # What cannot be opened may be there the next moment, unchanged.
        if not any(fault.code == "unreadable" for fault in faults):
            self._kept[path] = (sign, built or whole)
        return built or whole


class PageShelf:
    """The pages of a workspace by name."""

    def __init__(self, root: Path) -> None:
        self._root, self._shelf = root, Shelf(Page)
        self._paths: dict[str | None, Path] = {}

    def page(self, name: str | None) -> Page:
        """The page that a campaign names; the default one without a name, or when the file never was whole."""
        path = self._paths.get(name) or page_path(self._root, name)
        if name:
            self._paths[name] = path
        return self._shelf.at(path) or self._shipped

    @cached_property
    def _shipped(self) -> Page:
        return load_page(SHIPPED / "default.yaml")


def page_path(root: Path, name: str | None) -> Path:
    """The file of the page that a campaign names: under templates/, or the one that is shipped."""
    path = root / (name or DEFAULT_PAGE)
    return SHIPPED / "default.yaml" if name is None and not path.exists() else path


def compared_as(name: str | None) -> str:
    """What stands for the node in the assignments to variants of a page: its file."""
    file = name or DEFAULT_PAGE
    return file if NO_NODE in file else f"{file}{NO_NODE}page"


def _sign_of(path: Path) -> _Sign | None:
    """What is another when a file has been changed; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size  # two edits may fall on one tick of a file system's clock
