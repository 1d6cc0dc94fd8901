from pathlib import Path

from tests.examples.pages import does_what_it_says


def test_the_readme_does_what_it_says(tmp_path: Path, prefect_server: str) -> None:
    does_what_it_says("README.md", tmp_path, prefect_server)
