"""From a positioned tree to a campaign, by way of the node classes. Whatever can be read is read, whatever is wrong is told."""

import types
from pathlib import PurePath
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from engine.campaign import CampaignSpec
from engine.language.draft import Draft, Leaf, Path
from engine.language.faults import did_you_mean, listed, nearest, quoted
from engine.language.fields import NAME_PATTERN, Named, Names
from engine.language.leaf import LeafFault, annotated, may_be_empty, read_leaf
from engine.language.source import Entry, Mapping, Scalar, Sequence, Tree
from engine.language.values import ValueFault
from engine.nodes import Node, node_types
from engine.nodes.node import ConditionText

MAX_NODES = 1_000
RESERVED = frozenset({"and", "or", "not", "null", "true", "false"})
_MISSING: Any = object()


def read_campaign(tree: Tree, file: str) -> Draft:
    """Read a tree; the draft's faults are what only the words themselves show, not yet what they refer to."""
    draft = Draft(file)
    if not isinstance(tree, Mapping):
        draft.blame(tree.place, "no-campaign", "the file does not hold keys with values.", "Begin with `campaign: NAME` and `flow:`.")
        return draft
    draft.tree = tree
    reader = _Reader(draft)
    header = reader.fields(tree, CampaignSpec, (), "the campaign", leave_out=("flow",))
    reader.flow(tree)
    header.setdefault("campaign", PurePath(file).stem)
    spec = CampaignSpec.model_construct(**header, flow=dict(draft.nodes))
    draft.campaign = spec
    if not draft.faults:
        try:
            draft.campaign = CampaignSpec(**header, flow=draft.nodes)
        except ValidationError as error:
            reader.model_faults(error, (), CampaignSpec)
    return draft


class _Reader:
    """Walks tree and field types side by side."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._node = ""

    def flow(self, tree: Mapping) -> None:
        """Read every node."""
        nodes = tree.get("flow")
        place = self._draft.place_of(("flow",))
        if nodes is None:
            self._draft.blame(
                tree.place, "no-flow", "the campaign has no `flow`.", "Add `flow:` and below it, indented, the nodes by name."
            )
        elif isinstance(nodes, Sequence):
            self._draft.blame(
                place, "flow-list", "`flow` is a list here.", "Give each node a name instead of a dash: `mail:` and its keys below."
            )
        elif isinstance(nodes, Scalar) or not nodes.entries:
            self._draft.blame(place, "no-flow", "`flow` has no nodes.", "Write the nodes below it, indented: a name, and its keys below.")
        elif len(nodes.entries) > MAX_NODES:
            message = f"the flow has {len(nodes.entries):,} nodes; {MAX_NODES:,} is the most."
            self._draft.blame(place, "too-many-nodes", message, "Make several campaigns of it.")
        else:
            for entry in nodes.entries:
                self._read_node(entry)
        self._node = ""

    def _read_node(self, entry: Entry) -> None:
        draft, name = self._draft, entry.key.text
        self._node = name
        draft.ids[name] = entry.key
        before = len(draft.faults)
        self._check_id(entry.key)
        kind = self._kind(entry)
        if kind and isinstance(entry.value, Mapping):
            values = self.fields(entry.value, kind, ("flow", name), f"node {quoted(name)}")
            if len(draft.faults) == before:
                self._build(kind, values, name)
        if name not in draft.nodes:
            draft.broken[name] = entry.value

    def _build(self, kind: type[Node], values: dict[str, Any], name: str) -> None:
        try:
            self._draft.nodes[name] = kind(**values, id=name)
        except ValidationError as error:
            self.model_faults(error, ("flow", name), kind)

    def _check_id(self, key: Scalar) -> None:
        name = key.text
        if not NAME_PATTERN.fullmatch(name):
            remedy = "Use small letters, figures, - and _, beginning with a letter; at most 63 characters."
            self._draft.blame(key.place, "node-id", f"{quoted(name)} cannot be the name of a node.", remedy)
        elif name in RESERVED:
            self._draft.blame(key.place, "node-id", f"'{name}' is a word of the conditions.", "Give the node another name.")

    def _kind(self, entry: Entry) -> type[Node] | None:
        """The type whose word stands in a node; a fault when there is none, or more than one."""
        name, kinds = quoted(entry.key.text), node_types()
        words = listed(f"`{word}`" for word in kinds)
        if not isinstance(entry.value, Mapping) or not entry.value.entries:
            what = "has nothing below it" if isinstance(entry.value, Mapping) or _is_empty(entry.value) else "has no keys below it"
            self._draft.blame(entry.key.place, "empty-node", f"node {name} {what}.", f"Say what it does, indented below it: {words}.")
            return None
        keys = {each.key.text: each.key for each in entry.value.entries}
        found = [word for word in kinds if word in keys]
        best = [kinds[word] for word in found if all(other == word or other in fields_of(kinds[word]) for other in found)]
        if len(best) == 1:
            return best[0]
        if found:
            message = f"node {name} is {listed((f'`{word}`' for word in found), 'and')} at once."
            self._draft.blame(keys[found[1]].place, "two-types", message, "Make two nodes of it.")
            return None
        return self._meant(entry, words)

    def _meant(self, entry: Entry, words: str) -> type[Node] | None:
        """The type that was probably meant by a key which is none; the fault is noted."""
        assert isinstance(entry.value, Mapping)
        kinds = node_types()
        fields_known = {name for kind in kinds.values() for name in fields_of(kind)} - kinds.keys()
        for each in entry.value.entries:
            word = nearest(each.key.text, kinds)
            if word and each.key.text not in fields_known:
                return kinds[word]  # `fields` tells that the key is not known
        place, name = entry.key.place, quoted(entry.key.text)
        self._draft.blame(place, "no-type", f"node {name} does not say what it does.", f"Give it one of these keys: {words}.")
        return None

    def fields(self, tree: Mapping, model: type[BaseModel], path: Path, where: str, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
        """The values of a model's fields that could be read, by the name of the key."""
        known = fields_of(model)
        entries = self._known_entries(tree, known, path, where)
        values: dict[str, Any] = {}
        for name, entry in entries.items():
            if name in leave_out:
                continue
            info = known[name]
            value = self._value(entry.value, annotated(info.annotation, info.metadata), (*path, name), entry.key)
            if value is not _MISSING:
                values[name] = value
        for name, info in known.items():
            if info.is_required() and name not in entries and name not in leave_out:
                place = tree.place if not path else self._draft.place_of(path)
                self._draft.blame(place, "missing-key", f"{where} has no `{name}`.", f"Add `{name}:`. {info.description or ''}".strip())
        return values

    def _known_entries(self, tree: Mapping, known: dict[str, Any], path: Path, where: str) -> dict[str, Entry]:
        """The entries by field; an unknown key that looks like an absent field stands for that field."""
        present = {entry.key.text for entry in tree.entries}
        found: dict[str, Entry] = {}
        for entry in tree.entries:
            key = entry.key.text
            if key in known:
                found[key] = entry
                continue
            self._unknown_key(entry, known, path, where)
            meant = nearest(key, [name for name in known if name not in present and name not in found])
            if meant:
                found[meant] = entry
        return found

    def _unknown_key(self, entry: Entry, known: dict[str, Any], path: Path, where: str) -> None:
        key, place = entry.key.text, entry.key.place
        inside = {each.key.text for each in entry.value.entries} if isinstance(entry.value, Mapping) else set()
        if not path and inside & node_types().keys():
            message = f"the node {quoted(key)} stands outside `flow`."
            self._draft.blame(place, "outside-flow", message, "Indent it, so that it stands below `flow:` like the other nodes.")
            return
        guess = did_you_mean(key, known)
        remedy = f"Known keys here: {listed(known, 'and')}."
        self._draft.blame(place, "unknown-key", f"{where} has an unknown key {quoted(key)}.{guess}", remedy)

    def _value(self, tree: Tree, annotation: Any, path: Path, key: Scalar) -> Any:
        options = [option for option in _options(annotation) if _fits(option, tree)]
        if isinstance(tree, Scalar) and tree.is_empty and not may_be_empty(annotation):
            self._draft.blame(
                key.place, "no-value", f"{quoted(key.text)} has no value.", "Write one behind the colon, or take the line away."
            )
            return _MISSING
        if isinstance(tree, Scalar) and options and get_origin(options[0]) is not tuple:
            return self._leaf(tree, annotation, path)
        if not options:
            self._draft.blame(tree.place, "wrong-shape", _shape_message(path, tree), _shape_remedy(annotation))
            return _MISSING
        return self._structure(tree, options[0], path)

    def _structure(self, tree: Tree, kind: Any, path: Path) -> Any:
        if isinstance(tree, Mapping) and isinstance(kind, type) and issubclass(kind, BaseModel):
            before = len(self._draft.faults)
            values = self.fields(tree, kind, path, self._where(path))
            return self._model(kind, values, path) if len(self._draft.faults) == before else _MISSING
        if isinstance(tree, Mapping):
            return self._named(tree, kind, path)
        items = tree.items if isinstance(tree, Sequence) else (tree,)
        item = get_args(kind)[0]
        mark = Scalar(str(path[-1]), tree.place)
        read = [self._value(each, item, (*path, number), mark) for number, each in enumerate(items)]
        return _MISSING if any(each is _MISSING for each in read) else tuple(read)

    def _named(self, tree: Mapping, kind: Any, path: Path) -> Any:
        name_kind, item = get_args(kind)
        read = {}
        for entry in tree.entries:
            name = self._leaf(entry.key, name_kind, (*path, entry.key.text))
            value = self._value(entry.value, item, (*path, entry.key.text), entry.key)
            read[entry.key.text] = _MISSING if name is _MISSING else value
        return _MISSING if any(value is _MISSING for value in read.values()) else read

    def _model(self, kind: type[BaseModel], values: dict[str, Any], path: Path) -> Any:
        try:
            return kind(**values)
        except ValidationError as error:
            self.model_faults(error, path, kind)
            return _MISSING

    def _leaf(self, scalar: Scalar, annotation: Any, path: Path) -> Any:
        for what in _names(annotation):
            self._draft.leaves.append(Leaf(self._node, path[2:] if self._node else path, what, scalar))
        try:
            return read_leaf(scalar, annotation)
        except LeafFault as fault:
            name = next(key for key in reversed(path) if isinstance(key, str))
            self._draft.blame(scalar.place, "value", f"{quoted(name)}: {fault.message}", fault.remedy)
            return _MISSING

    def model_faults(self, error: ValidationError, path: Path, model: type[BaseModel]) -> None:
        """Faults that a model finds in its fields together, in its own words where it has some."""
        for each in error.errors(include_url=False):
            place = self._draft.place_of((*path, *each["loc"]))
            cause = (each.get("ctx") or {}).get("error")
            if isinstance(cause, ValueFault):
                self._draft.blame(place, "value", cause.message, cause.remedy)
                continue
            name = str(each["loc"][0]) if each["loc"] else ""
            known = fields_of(model).get(name)
            about = known.description if known and known.description else "See the reference of the flow language."
            least = (each.get("ctx") or {}).get("min_length")
            message = (
                f"`{name}` needs at least {'one entry' if least == 1 else f'{least} entries'}."
                if least
                else f"`{name or self._where(path)}` is not right."
            )
            self._draft.blame(place, "value", message, about)

    def _where(self, path: Path) -> str:
        last = f"{quoted(path[-1])}" if isinstance(path[-1], str) else f"entry {path[-1] + 1} of `{path[-2]}`"
        return f"{last} of node {quoted(self._node)}" if self._node else f"`{path[-1]}`"


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's fields by the key that a file has for them."""
    return {info.alias or name: info for name, info in model.model_fields.items() if not info.exclude}


def _is_empty(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.is_empty


def _options(annotation: Any) -> list[Any]:
    """The alternatives of a type, without None and without what is only remarked about it."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [option for each in get_args(annotation) for option in _options(each)]
    return [] if annotation is type(None) else [annotation]


def _names(annotation: Any) -> list[Named]:
    """What a text of this type names."""
    if annotation is ConditionText:
        return ["condition"]
    if get_origin(annotation) is Annotated:
        kind, *remarks = get_args(annotation)
        return [each.what for each in remarks if isinstance(each, Names)] or _names(kind)
    if get_origin(annotation) in (Union, types.UnionType):
        return [what for each in get_args(annotation) for what in _names(each)]
    return []


def _fits(option: Any, tree: Tree) -> bool:
    is_model = isinstance(option, type) and issubclass(option, BaseModel)
    if isinstance(tree, Mapping):
        return is_model or get_origin(option) is dict
    if isinstance(tree, Sequence):
        return get_origin(option) is tuple
    if get_origin(option) is tuple:  # a list of one may be written without its dash
        return all(_fits(each, tree) for each in _options(get_args(option)[0]))
    return not is_model and get_origin(option) is not dict


def _shape_message(path: Path, tree: Tree) -> str:
    what = {Mapping: "keys with values", Sequence: "a list", Scalar: "a text"}[type(tree)]
    return f"{quoted(str(path[-1]))} cannot be {what}."


def _shape_remedy(annotation: Any) -> str:
    option = _options(annotation)[0]
    if get_origin(option) is tuple:
        return "Write a list: each entry on a line of its own that begins with `- `."
    if get_origin(option) is dict:
        return "Write names with their values below it, indented: `name: {key: value}`."
    if isinstance(option, type) and issubclass(option, BaseModel):
        return f"Write keys with values: {listed(fields_of(option), 'and')}."
    return "Write one value behind the colon."
