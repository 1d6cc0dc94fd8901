"""What following costs a mail of 26 kB while it is composed: links made and merged, against the same mail with plain links.

    .venv/bin/python -m benchmarks.followed [MAILS]

In microseconds of the processor a mail, the best of several rounds that take turns. The mail has eight followed links and the picture.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.mail import MJML, values
from channels.contract import Content
from channels.email.compiling import compile_wording
from channels.email.tracking import Tracking, followed
from channels.email.wording import EmailWording
from engine.links import Links
from store.tokens import Signer

ROUNDS = 7
TRACKING = Tracking(clicks=True, opens=True, marks=("utm_source=shop", "utm_medium=email", "utm_campaign=spring"))


def main(mails: int) -> None:
    plain, numbers = wording(), range(1, mails + 1)
    marked, began = followed(plain, TRACKING), time.process_time()
    for _ in range(100):
        followed(plain, TRACKING)
    print(f"{'a wording is made one that is followed in':44}{(time.process_time() - began) * 10:12,.2f} ms, once")
    links = Links("https://pages.example.com", Signer([b"a key for nothing but measuring"]))
    given = [values(number) for number in numbers]
    expires = datetime.now(UTC)
    for number, each in zip(numbers, given, strict=True):
        each["links"] |= links.followed(number)
    ways: dict[str, Callable[[], object]] = {
        "plain: composed": partial(compose, plain, given),
        "followed: composed": partial(compose, marked, given),
        "the links that every message has: signed": lambda: [links.for_message(number, expires) for number in numbers],
        "the two of a followed message: signed": lambda: [links.followed(number) for number in numbers],
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            best[name] = min(best[name], processor(way) * 1e6 / mails)
    for name, took in best.items():
        Figure("followed", name, took, "us", best["plain: composed"], "plain").show()


def compose(wording: EmailWording, given: Sequence[dict[str, Any]]) -> None:
    for each in given:
        assert isinstance(wording.compose(each), Content)


def processor(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def wording() -> EmailWording:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mail.mjml"
        file.write_text(MJML.replace("{{ links.page }}", "https://shop.example.com/spring?pick=1"), encoding="utf-8")
        compiled = compile_wording(file, {"subject": "{{ customer.first_name }}, € 5 for you"}, Path(folder))
    assert isinstance(compiled, EmailWording), compiled
    return compiled


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
