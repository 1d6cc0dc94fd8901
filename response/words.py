"""Every word that a report says, in each language. A test holds the tables together."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from engine.reasons import REASONS

LANGUAGES = ("en", "nl")


@cache
def table(language: str) -> Mapping[str, str]:
    """The sentences of one language, by keys such as `verdict.better`: of all files in its folder, a file for each section."""
    words = {f"reason.{reason.value}": sentence for reason, sentence in REASONS.items()}
    for file in sorted(files("response").joinpath("languages", language).iterdir(), key=lambda each: each.name):
        document = tomllib.loads(file.read_text("utf-8"))
        words |= {f"month.{number}": name for number, name in enumerate(document.pop("months", ()), 1)}
        for name, group in document.items():
            words |= {f"{name}.{key}": sentence for key, sentence in group.items()} if isinstance(group, dict) else {name: group}
    return words
