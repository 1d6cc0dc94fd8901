"""What is shipped: the wheel's names and files, and the workspace that `contactflow init` makes from it."""

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from contactflow.starting import SHARED, make_workspace, starter_files
from scripts.house import starter_data

ROOT = Path(__file__).parents[1]
PACKAGES = {"contactflow", "studio", "landing", "response", "engine", "customers", "channels", "store"}
DATA = (
    "contactflow/migrations/script.py.mako",
    "contactflow/starter/README.md",
    "contactflow/starter/contactflow.toml",
    "contactflow/starter/data/customers.csv",
    "contactflow/starter/flows/winback.yaml",
    "contactflow/starter/templates/brand/brand.yaml",
    "contactflow/starter/templates/winback/letter/letter.md",
    "contactflow/starter/templates/winback/personal.mjml",
    "engine/picture/fonts/LiberationSans-Bold.ttf",
    "landing/html/page.html",
    "landing/pages/default.yaml",
    "landing/static/page.css",
    "response/schema.json",
    "studio/pages/inbox.html.jinja",
    "studio/pages/studio.css",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    builder = WheelBuilder(str(ROOT))
    (path,) = builder.build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    return zipfile.Path(path)


@pytest.fixture(scope="module")
def installed(wheel: zipfile.Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer lays it out: a wheel of only Python is a zip file of what goes into site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(str(wheel.root.filename)) as archive:  # a Path's archive names folders it lacks, before 3.11.3
        archive.extractall(folder)
    return folder


def test_the_wheel_brings_these_top_level_names_and_no_others(wheel: zipfile.Path) -> None:
    names = {each.name for each in wheel.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == PACKAGES


def test_the_wheel_brings_every_module_of_the_source_tree(wheel: zipfile.Path) -> None:
    ours = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    shipped = {name for name in wheel.root.namelist() if name.endswith(".py")}
    assert shipped == ours


@pytest.mark.parametrize("name", DATA)
def test_the_wheel_brings_what_is_no_module_too(wheel: zipfile.Path, name: str) -> None:
    assert name in wheel.root.namelist()


def test_the_wheel_brings_nothing_that_a_machine_left_behind(wheel: zipfile.Path) -> None:
    left = [name for name in wheel.root.namelist() if "__pycache__" in name or name.endswith((".db", ".env", ".pyc"))]
    assert left == []


def test_the_starter_lies_in_one_place_only() -> None:
    """What the wheel copies must not also stand below contactflow/starter, or the two would drift apart."""
    assert [shared for shared in SHARED if (ROOT / "contactflow/starter" / shared).exists()] == []
    assert all((ROOT / shared).exists() for shared in SHARED)


def test_a_wheel_makes_the_same_workspace_as_the_source_tree(installed: Path, tmp_path: Path) -> None:
    make_workspace(tmp_path / "tree")
    contactflow(installed, "init", str(tmp_path / "wheel"))
    assert contents(tmp_path / "wheel") == contents(tmp_path / "tree")
    assert set(contents(tmp_path / "tree")) == set(starter_files())


def test_the_campaigns_of_a_new_workspace_have_no_faults(installed: Path, tmp_path: Path) -> None:
    contactflow(installed, "init", str(tmp_path))
    assert contactflow(installed, "check", "--workspace", str(tmp_path)) == "3 flows checked: no faults.\n"


def test_the_key_of_a_new_workspace_is_its_owners_alone(tmp_path: Path) -> None:
    make_workspace(tmp_path / "one")
    make_workspace(tmp_path / "two")
    one, two = (tmp_path / name / ".env" for name in ("one", "two"))
    assert stat.S_IMODE(one.stat().st_mode) == 0o600
    assert one.read_text() != two.read_text()


def test_making_a_workspace_again_brings_back_what_is_missing_and_touches_nothing_else(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    (tmp_path / "flows/winback.yaml").unlink()
    (tmp_path / "contactflow.toml").write_text("# mine\n")
    assert make_workspace(tmp_path) == [tmp_path / "flows/winback.yaml"]
    assert (tmp_path / "contactflow.toml").read_text() == "# mine\n"


def test_the_starters_customers_are_those_that_the_generator_makes(tmp_path: Path) -> None:
    committed = {path.name: path.read_bytes() for path in starter_data.FOLDER.glob("*.csv")}
    starter_data.main(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")} == committed


def test_nobody_can_be_reached_at_an_address_of_the_starter() -> None:
    rows = (starter_data.FOLDER / "customers.csv").read_text(encoding="utf-8").splitlines()[1:]
    for row in rows:
        cells = row.split(",")
        assert cells[3] == "" or cells[3].endswith("example.com")
        assert cells[4] == "" or " 555 01" in cells[4]


def contactflow(site_packages: Path, *arguments: str) -> str:
    """What the command line of an installed wheel prints; run elsewhere, so that the source tree is out of sight."""
    environment = {**os.environ, "PYTHONPATH": str(site_packages)}
    program = "import contactflow.cli as cli, sys; assert cli.__file__.startswith(sys.argv.pop(1)), cli.__file__; cli.main()"
    command = [sys.executable, "-c", program, str(site_packages), *arguments]
    return subprocess.run(command, env=environment, cwd=site_packages.parent, check=True, capture_output=True, text=True).stdout


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a workspace but its key."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".env")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
