from pathlib import Path

from tests.examples.pages import does_what_it_says


def test_adding_a_provider_does_what_it_says(tmp_path: Path) -> None:
    does_what_it_says("docs/how-to/add-a-provider.md", tmp_path)
