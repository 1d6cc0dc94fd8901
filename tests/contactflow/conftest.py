"""A workspace on disk, and the command line as its user calls it."""

import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contactflow.commands import app
from contactflow.guard import exit_code

SETTINGS = """
[workspace]
name = "Shop"
address = "Main street 1, 1234 AB Delft"

[attributes]
children = "integer"

[segments]
families = "children > 0"
"""
FLOW = """
campaign: spring
title: Spring
owner: marketing
purpose: offers
learn:
  question: Does a mail bring people back?
  metric: purchase
  within: 2 weeks
flow:
  in:
    audience: country = 'NL'
    holdout: 20%
  mail:
    send: email
    subject: Hello {{ customer.first_name }}
    template: hello.txt
    unreachable: text
  answer:
    wait_for: response to mail
    at_most: 3 days
    then: won
    timeout: end
  text:
    send: sms
    template: hello.txt
    next: end
  won:
    goal: comes back
"""
CUSTOMERS = 60


@dataclass
class Said:
    """What a command gave back."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


def make_workspace(root: Path) -> Path:
    """Settings, a flow, a template and a file of customers; nothing imported yet."""
    (root / "flows").mkdir(parents=True)
    (root / "templates").mkdir()
    (root / "contactflow.toml").write_text(SETTINGS)
    (root / "flows" / "spring.yaml").write_text(FLOW)
    (root / "templates" / "hello.txt").write_text("Hello {{ customer.first_name }}, see {{ links.page }} or stop: {{ links.opt_out }}\n")
    head = "key,first_name,last_name,email,phone,country,children,consent_offers_email,consent_offers_sms\n"
    rows = []
    for n in range(1, CUSTOMERS + 1):
        email = "" if n % 10 == 0 else f"c{n}@example.com"
        rows.append(f"c{n},Name{n},Jansen,{email},+316123456{n:02},NL,{n % 3},yes,yes\n")
    (root / "customers.csv").write_text(head + "".join(rows))
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "shop")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process: its exit code and what it said."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = exit_code(lambda: app([str(each) for each in arguments], prog_name="contactflow"))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def carry_out(call: Call, prefect_server: str) -> Call:
    """Call `contactflow run` in this process, with the Prefect server that tests share: another process takes seconds to import Prefect."""
    assert prefect_server

    def run(*arguments: object) -> Said:
        with sockets_left_to_the_collector():
            return call("run", *arguments)

    return run


@contextmanager
def sockets_left_to_the_collector() -> Iterator[None]:
    """Where Prefect leaves those of its HTTP client."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()
