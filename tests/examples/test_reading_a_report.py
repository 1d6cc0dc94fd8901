from pathlib import Path

from tests.examples.pages import does_what_it_says


def test_reading_a_report_does_what_it_says(tmp_path: Path, prefect_server: str) -> None:
    does_what_it_says("docs/how-to/read-a-report.md", tmp_path, prefect_server)
