from pathlib import Path

from contactflow.starting import make_workspace
from scripts.house.examples import play


def test_the_starters_own_walk_through_works(tmp_path: Path, prefect_server: str) -> None:
    make_workspace(tmp_path)
    play((tmp_path / "README.md").read_text(encoding="utf-8"), tmp_path, prefect_server)
    assert "inconclusive" in (tmp_path / "winback.html").read_text(encoding="utf-8")
