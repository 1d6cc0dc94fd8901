from pathlib import Path

from tests.examples.pages import does_what_it_says


def test_analysing_in_a_notebook_does_what_it_says(tmp_path: Path, prefect_server: str) -> None:
    does_what_it_says("docs/how-to/analyse-in-a-notebook.md", tmp_path, prefect_server)
