"""Page files: built from YAML, or every fault at its place and with its remedy."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from channels.brand import Brand
from engine.language.faults import Fault, did_you_mean, listed, quoted
from engine.language.source import START, Mapping, Place, Scalar, Sequence, Source, Tree, read_source
from landing.blocks import BLOCK_TYPES
from landing.fields import FIELD_TYPES
from landing.page import Page, Thanks
from landing.pictures import CAPTIONS, FILMS, HEAVIEST_FILM, HEAVIEST_PICTURE, PICTURES, picture_path, shown_path
from landing.surveys import SurveyPage, Turn, survey_faults
from landing.wording import text_faults

_Model = TypeVar("_Model", bound=BaseModel)


def check_page(
    path: Path, root: Path, attributes: Collection[str] = (), shown_as: str | None = None, model: type[Page] = Page
) -> list[Fault]:
    """Every fault of a page file. `root` is the templates' folder, `attributes` the workspace's own; `model` says what page it is to be."""
    source = read_source(path, shown_as)
    page, faults = build(source, model)
    if page:
        faults += _picture_faults(source, page, root)
        faults += _wording_faults(source, page, attributes)
    return sorted(faults)


def check_brand(path: Path, root: Path, shown_as: str | None = None) -> list[Fault]:
    """Every fault of a brand file."""
    source = read_source(path, shown_as)
    brand, faults = build(source, Brand)
    wrong = _picture_fault(brand.logo, root) if brand and brand.logo else None
    return sorted([*faults, _at(source, ("logo",), "picture", *wrong)] if wrong else faults)


def build(source: Source, model: type[_Model]) -> tuple[_Model | None, list[Fault]]:
    """The model that a file describes, or its faults."""
    if source.tree is None:
        return None, list(source.faults)
    try:
        built = model.model_validate(_plain(source.tree))
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_model_fault(source, model, each["loc"], each["type"], each) for each in details]
    # A form that leads nowhere cannot be shown, so that its faults count like those of a key.
    faults = [_at(source, path, "pages", *said) for path, *said in survey_faults(built.survey)] if isinstance(built, Page) else []
    return (None, faults) if faults else (built, [])


def _plain(tree: Tree) -> Any:
    if isinstance(tree, Scalar):
        return None if tree.is_empty else tree.text
    if isinstance(tree, Sequence):
        return tuple(_plain(item) for item in tree.items)
    return {entry.key.text: _plain(entry.value) for entry in tree.entries}


def _model_fault(source: Source, model: type[BaseModel], loc: tuple[str | int, ...], kind: str, detail: Any) -> Fault:
    """One of pydantic's errors in words, at its place."""
    path = tuple(key for number, key in enumerate(loc) if not (number == 2 and loc[0] in ("form", "blocks")) and key != "[key]")
    last = quoted(str(path[-1])) if path else "the file"
    if kind == "extra_forbidden":
        known = _keys_at(model, loc)
        message = f"{last} is not known here.{did_you_mean(str(path[-1]), known)}"
        return _at(source, path, "unknown-key", message, f"Known are {listed(known, 'and')}.")
    if kind == "missing":
        return _at(source, path[:-1], "missing-key", f"{last} is missing.", f"Add `{path[-1]}: ...`.")
    if kind.startswith("union_tag") and loc[0] == "blocks":
        return _at(
            source, path, "no-type", f"a block is one thing: {listed(BLOCK_TYPES)}.", "Say which one. Make two blocks of two things."
        )
    if kind.startswith("union_tag"):
        remedy = f"Give it exactly one of {listed(FIELD_TYPES)}, with the question."
        return _at(source, path, "no-type", f"the question {last} does not say what sort of answer it wants.", remedy)
    if kind == "value_error":
        message, _, remedy = str(detail["ctx"]["error"]).partition(". ")
        return _at(source, path, "value", f"{message}.", remedy)
    return _at(source, path, "value", f"{last} is not right: {detail['msg'].lower()}.", _description(model, loc))


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    return [field.alias or name for name, field in _model_at(model, loc[:-1]).model_fields.items()]


def _description(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    if loc and loc[-1] == "[key]":
        return "A name has small letters, digits and _, and begins with a letter."
    field = _model_at(model, loc[:-1]).model_fields.get(str(loc[-1])) if loc else None
    return (field and field.description) or "See the reference of page files."


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel]:
    """The model that the keys lead into: a field type stands third below `form`."""
    if len(loc) >= 3 and loc[0] == "form":
        return FIELD_TYPES[str(loc[2])]
    if len(loc) >= 2 and loc[0] == "pages":
        return Turn if "next" in loc[2:] else SurveyPage
    if len(loc) >= 3 and loc[0] == "blocks":
        return BLOCK_TYPES[str(loc[2])]
    return Thanks if loc and loc[0] == "thanks" else model


def _wording_faults(source: Source, page: Page, attributes: Collection[str]) -> Iterator[Fault]:
    for path, words in page.texts():
        for language, text in words.by_language:
            for message, remedy in text_faults(text, attributes):
                yield _at(source, (*path, language), "variable", message, remedy)


def _picture_faults(source: Source, page: Page, root: Path) -> Iterator[Fault]:
    wrong = _picture_fault(page.image, root) if page.image else None
    if wrong:
        yield _at(source, ("image",), "picture", *wrong)
    for number, block in enumerate(page.blocks):
        pictures = {key: _picture_fault(name, root) for key, name in block.pictures().items()}
        films = {key: _film_fault(name, root, FILMS if key == "video" else CAPTIONS) for key, name in block.films().items()}
        for key, fault in (pictures | films).items():
            if fault:
                yield _at(source, ("blocks", number, *key.split(".")), "picture" if key in pictures else "film", *fault)


def _picture_fault(name: str, root: Path) -> tuple[str, str] | None:
    path = picture_path(root, name)
    if path is None:
        return f"the picture {quoted(name)} is not there.", f"Put it under templates/; pictures end in {listed(PICTURES)}."
    if path.stat().st_size > HEAVIEST_PICTURE:
        remedy = f"Make it smaller: {HEAVIEST_PICTURE // 1_000} kB at most."
        return f"the picture {quoted(name)} has {path.stat().st_size // 1_000} kB.", remedy
    return None


def _film_fault(name: str, root: Path, kinds: Collection[str]) -> tuple[str, str] | None:
    path = shown_path(root, name, kinds)
    if path is None:
        return f"the file {quoted(name)} is not there.", f"Put it under templates/; it ends in {listed(kinds)}."
    if path.stat().st_size > HEAVIEST_FILM:
        remedy = f"Make it smaller: {HEAVIEST_FILM // 1_000_000} MB at most."
        return f"the file {quoted(name)} has {path.stat().st_size // 1_000_000} MB.", remedy
    return None


def _at(source: Source, path: tuple[str | int, ...], code: str, message: str, remedy: str) -> Fault:
    place = _place(source.tree, path)
    return Fault(source.file, place.line, place.column, code, message, remedy)


def _place(tree: Tree | None, path: tuple[str | int, ...]) -> Place:
    """Where the value at `path` stands; of its nearest ancestor in the file when it does not."""
    place = START
    for key in path:
        found = None
        if isinstance(tree, Mapping):
            found = next(((entry.key.place, entry.value) for entry in tree.entries if entry.key.text == key), None)
        elif isinstance(tree, Sequence) and isinstance(key, int) and key < len(tree.items):
            found = (tree.items[key].place, tree.items[key])
        if found is None:
            break
        place, tree = found
    return place
