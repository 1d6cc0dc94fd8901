"""Rules of the house that no other gate holds."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("contactflow", "studio", "landing", "response", "engine", "customers", "channels", "store")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LINT_IMPORTS = str(Path(sys.executable).parent / "lint-imports")
VAGUE = {"utils", "util", "helpers", "helper", "misc", "common", "base", "manager"}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
# Each breaks one contract of pyproject.toml, in its order: the file, and a line to put under it.
VIOLATIONS = (
    ("store/hashing.py", "import engine.reasons"),
    ("engine/reasons.py", "import channels.fake"),
    ("channels/email/tags.py", "import channels.print"),
    ("response/numbers.py", "import prefect"),
)


def test_no_module_has_a_name_that_says_nothing() -> None:
    tests = (ROOT / "tests").rglob("*.py")
    assert [path for path in (*SOURCES, *tests) if path.stem in VAGUE or path.parent.name in VAGUE] == []


def test_no_module_beside_the_runner_stands_in_the_place_of_somebody_elses() -> None:
    """To load a flow, Prefect puts the folder of engine/runner.py in front of where modules are looked for, and leaves it there."""
    known = sys.stdlib_module_names | packages_distributions().keys()
    beside = {path.stem for path in (ROOT / "engine").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert beside & known - {"__init__", "wave"} == set()  # the standard library's wave reads sounds, which nobody here does


def test_every_package_says_what_it_is_for() -> None:
    packages = [path for path in SOURCES if path.name == "__init__.py"]
    assert len(packages) > len(PACKAGES)
    assert [path for path in packages if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_no_file_holds_more_than_four_hundred_lines() -> None:
    assert [path for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_the_clock_is_read_in_one_place() -> None:
    reads = [f"{path}:{line}" for path in SOURCES if path != ROOT / "store/clock.py" for line in clock_reads(path)]
    assert reads == []


def test_a_read_of_the_clock_would_be_found(tmp_path: Path) -> None:
    file = tmp_path / "late.py"
    file.write_text("import time\nfrom datetime import UTC, date, datetime\ntime.time()\ndatetime.now(UTC)\ndate.today()\nclock.now()\n")
    assert list(clock_reads(file)) == [3, 4, 5]


def test_checking_a_flow_loads_neither_database_nor_prefect_nor_numpy() -> None:
    heavy = {"sqlalchemy", "sqlmodel", "prefect", "numpy", "scipy", "reportlab", "fastapi", "phonenumbers", "email_validator"}
    program = (
        "import sys; sys.argv = ['contactflow', 'check', 'winback']\n"
        "from contactflow.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "1 flow checked: no faults.\n[]\n"


def test_no_tracked_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    hosts = ("pypi." + "org", "pythonhosted." + "org", "registry.npmjs." + "org", "/wo" + "rk/", "/ho" + "me/", "/tmp/" + "ci")
    found = [(path.name, host) for path in tracked() if (text := text_of(path)) for host in hosts if host in text]
    assert found == []


def test_nothing_that_a_machine_left_behind_is_tracked() -> None:
    assert [path for path in tracked() if path.suffix in {".db", ".pyc", ".env"} or path.name == ".env"] == []


def test_the_licence_is_there_and_named() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_exception_to_a_rule_of_style_says_why() -> None:
    """`# noqa` and `# type: ignore` carry a code and a reason; so does every line of ruff's ignore list."""
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    bare = re.compile(r"#\s*(noqa|type: ignore)(?!(: [A-Z]+\d+(, [A-Z]+\d+)*|\[[a-z, -]+\])\s+(# |- )\S)")
    faults = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert faults == []
    ignores = re.search(r"^ignore = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert ignores is not None
    assert [line for line in ignores[1].splitlines() if "  # " not in line] == []


def test_every_contract_between_the_packages_is_broken_by_breaking_it(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert [verdict for verdict in contracts(tmp_path) if verdict != "KEPT"] == []
    for place, line in VIOLATIONS:
        with (tmp_path / place).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    assert contracts(tmp_path) == ["BROKEN"] * len(VIOLATIONS)


@pytest.mark.parametrize("name", ["test", "demo", "lock", "prepare", "migration", "reference", "starter-data", "../.ci/run"])
def test_every_script_is_sound_bash_and_can_be_started(name: str) -> None:
    script = ROOT / "scripts" / name
    subprocess.run(["/bin/bash", "-n", str(script)], check=True)
    assert name == "prepare" or os.access(script, os.X_OK)


def test_without_root_what_is_missing_is_said_with_what_it_is_for() -> None:
    done = prepare('id() { echo 1000; }; _install postgresql "the tests run on it"')
    assert done.returncode == 1
    assert done.stderr == "\nMissing: postgresql (the tests run on it).\nDebian and Ubuntu: sudo apt-get install postgresql\n"


def test_with_root_an_installation_is_said_before_it_is_done() -> None:
    done = prepare('id() { echo 0; }; apt-get() { echo "apt-get $*" >&2; }; _install postgresql "the tests run on it"')
    assert done.returncode == 0
    assert done.stdout == "== Installing postgresql with apt-get: the tests run on it\n"
    assert "install --no-install-recommends postgresql" in done.stderr


def test_an_installation_that_fails_says_what_it_was_for() -> None:
    done = prepare('id() { echo 0; }; apt-get() { return 100; }; _install postgresql "the tests run on it"')
    assert done.returncode == 1
    assert "could not install postgresql: see above. It is needed: the tests run on it." in done.stderr


def test_a_python_that_is_too_old_is_said(tmp_path: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14", "python"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    done = prepare(f"PATH={tmp_path}; _make_venv")
    assert done.returncode == 1
    assert "Python 3.11 or later is needed" in done.stderr


def prepare(script: str) -> subprocess.CompletedProcess[str]:
    """Run some bash after the functions of scripts/prepare."""
    command = ["/bin/bash", "-c", f"set -euo pipefail; source scripts/prepare; {script}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def contracts(folder: Path) -> list[str]:
    """The verdict on each contract of a source tree, in order."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    verdicts = re.findall(r" (KEPT|BROKEN)\b(?! \()|(?<= )(KEPT|BROKEN) \(", done.stdout)
    return [first or second for first, second in verdicts]


def clock_reads(path: Path) -> Iterator[int]:
    """The lines where a file asks the machine what time it is. A monotonic clock tells no time."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in {"datetime", "date", "time"}:
                yield node.lineno


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
