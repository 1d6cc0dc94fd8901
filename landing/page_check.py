"""Page files: built from YAML, or every fault at its place and with its remedy."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from channels.brand import BRAND, read_brand
from engine.language.faults import Fault, did_you_mean, listed, quoted
from engine.language.source import START, Mapping, Place, Scalar, Sequence, Source, Tree, read_source
from landing.blocks import BLOCK_TYPES, Block
from landing.editions import edition_faults, parts_of, segment_faults, variant_faults
from landing.fields import FIELD_TYPES
from landing.page import Page, Parts, Thanks, Variant
from landing.pictures import CAPTIONS, FILMS, HEAVIEST_FILM, HEAVIEST_PICTURE, PICTURES, picture_path, shown_path
from landing.surveys import SurveyPage, Turn
from landing.wording import text_faults

_Model = TypeVar("_Model", bound=BaseModel)


def check_page(
    path: Path,
    root: Path,
    attributes: Collection[str] = (),
    shown_as: str | None = None,
    model: type[Page] = Page,
    *,
    segments: Collection[str] = (),
) -> list[Fault]:
    """Every fault of a page file. `root` is the templates' folder, `attributes` and `segments` are the workspace's own.

    `model` says what page it is to be.
    """
    source = read_source(path, shown_as)
    page, faults = build(source, model)
    if page:
        faults += _picture_faults(source, page, root)
        faults += _wording_faults(source, page, attributes)
        faults += [_at(source, where, "variants", *said) for where, *said in variant_faults(page)]
        faults += [_at(source, where, "segment", *said) for where, *said in segment_faults(page, segments)]
    return sorted(faults)


def check_brand(root: Path, shown_as: Callable[[Path], str] = str) -> list[Fault]:
    """Every fault of the brand of the templates in `root`."""
    found = read_brand(root)
    if isinstance(found, list):
        # Told in the same words as by a mail in this brand, so that a check can tell it once.
        return [Fault(shown_as(each.file), each.line, each.column, "template", each.message, each.remedy) for each in found]
    wrong = _picture_fault(found.logo, root) if found.logo else None
    return [_at(read_source(root / BRAND, shown_as(root / BRAND)), ("logo",), "picture", *wrong)] if wrong else []


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
    faults = [_at(source, path, "pages", *said) for path, *said in edition_faults(built)] if isinstance(built, Page) else []
    return (None, faults) if faults else (built, [])


def _plain(tree: Tree) -> Any:
    if isinstance(tree, Scalar):
        return None if tree.is_empty else tree.text
    if isinstance(tree, Sequence):
        return tuple(_plain(item) for item in tree.items)
    return {entry.key.text: _plain(entry.value) for entry in tree.entries}


def _model_fault(source: Source, model: type[BaseModel], loc: tuple[str | int, ...], kind: str, detail: Any) -> Fault:
    """One of pydantic's errors in words, at its place."""
    prefix, loc, model = _inside(model, loc)
    # What is third below `form` and `blocks` says the type, and stands nowhere in the file.
    below = [key for number, key in enumerate(loc) if not (number == 2 and loc[0] in ("form", "blocks"))]
    path = tuple(key for key in (*prefix, *below) if key != "[key]")
    last = quoted(str(path[-1])) if path else "the file"
    if kind == "extra_forbidden":
        known = _keys_at(model, loc)
        message = f"{last} is not known here.{did_you_mean(str(path[-1]), known)}"
        return _at(source, path, "unknown-key", message, f"Known are {listed(known, 'and')}.")
    if kind == "missing":
        return _at(source, path[:-1], "missing-key", f"{last} is missing.", f"Add `{path[-1]}: ...`.")
    if kind.startswith("union_tag"):
        return _untyped(source, path, is_block=loc[0] == "blocks")
    if kind == "value_error":
        message, _, remedy = str(detail["ctx"]["error"]).partition(". ")
        return _at(source, path, "value", f"{message}.", remedy)
    return _at(source, path, "value", f"{last} is not right: {detail['msg'].lower()}.", _description(model, loc))


def _inside(model: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], tuple[str | int, ...], type[BaseModel]]:
    """What leads into a variant or to what a segment is told (nothing for the page itself), what leads on from there, and the model."""
    kinds: dict[str, type[BaseModel]] = {"variants": Variant, "by_segment": Parts}
    if issubclass(model, Page) and len(loc) > 2 and loc[0] in kinds:
        return loc[:2], loc[2:], kinds[str(loc[0])]
    return (), loc, model


def _untyped(source: Source, path: tuple[str | int, ...], *, is_block: bool) -> Fault:
    """A block or a question of which it is not clear what sort it is."""
    if is_block:
        message, remedy = f"a block is one thing: {listed(BLOCK_TYPES)}.", "Say which one. Make two blocks of two things."
        return _at(source, path, "no-type", message, remedy)
    remedy = f"Give it exactly one of {listed(FIELD_TYPES)}, with the question."
    message = f"the question {quoted(str(path[-1]))} does not say what sort of answer it wants."
    return _at(source, path, "no-type", message, remedy)


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    return [field.alias or name for name, field in _model_at(model, loc[:-1]).model_fields.items()]


def _description(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    if loc and loc[-1] == "[key]":
        return "A name has small letters, digits and _, and begins with a letter."
    name = str(loc[-1]) if loc else ""
    fields = (each.model_fields.get(name) for each in (_model_at(model, loc[:-1]), Page))
    return next((field.description for field in fields if field and field.description), "See the reference of page files.")


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
    for where, parts in parts_of(page):
        wrong = _picture_fault(parts.image, root) if parts.image else None
        if wrong:
            yield _at(source, (*where, "image"), "picture", *wrong)
        for number, block in enumerate(parts.blocks or ()):
            yield from _block_faults(source, (*where, "blocks", number), block, root)


def _block_faults(source: Source, where: tuple[str | int, ...], block: Block, root: Path) -> Iterator[Fault]:
    pictures = {key: _picture_fault(name, root) for key, name in block.pictures().items()}
    films = {key: _film_fault(name, root, FILMS if key == "video" else CAPTIONS) for key, name in block.films().items()}
    for key, fault in (pictures | films).items():
        if fault:
            yield _at(source, (*where, *key.split(".")), "picture" if key in pictures else "film", *fault)


def _picture_fault(name: str, root: Path) -> tuple[str, str] | None:
    path = picture_path(root, name)
    if path is None:
        return f"the picture {quoted(name)} is not there.", f"Put it under templates/; pictures end in {listed(PICTURES)}."
    return _weight_fault(f"the picture {quoted(name)}", path, HEAVIEST_PICTURE, 1_000, "kB")


def _film_fault(name: str, root: Path, kinds: Collection[str]) -> tuple[str, str] | None:
    path = shown_path(root, name, kinds)
    if path is None:
        return f"the file {quoted(name)} is not there.", f"Put it under templates/; it ends in {listed(kinds)}."
    return _weight_fault(f"the file {quoted(name)}", path, HEAVIEST_FILM, 1_000_000, "MB")


def _weight_fault(what: str, path: Path, heaviest: int, unit: int, unit_name: str) -> tuple[str, str] | None:
    weight = path.stat().st_size
    if weight <= heaviest:
        return None
    return f"{what} has {weight // unit} {unit_name}.", f"Make it smaller: {heaviest // unit} {unit_name} at most."


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
