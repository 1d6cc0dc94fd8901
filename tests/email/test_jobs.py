"""What is taken may go: places at receiving sides, whatever happens to the messages in between."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from channels.contract import BatchInfo, Content, Message, MessageKey
from channels.email import EmailSettings
from channels.email.jobs import Jobs
from channels.email.lane import Job
from channels.email.letterhead import Letterhead

LETTERHEAD = Letterhead(
    EmailSettings(host="h", port=25, sender_address="a@b.example"), BatchInfo("b", "c", "v", "n", "t", datetime(2026, 3, 2, tzinfo=UTC))
)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.dictionaries(st.sampled_from("ab*"), st.integers(1, 3)), st.data())
def test_all_messages_come_in_turn_and_never_more_than_their_receiver_takes(
    domains: list[str], at_once: dict[str, int], data: st.DataObject
) -> None:
    batch = [Message(MessageKey(str(n)), f"u@{domain}", Content({}, raw=b"")) for n, domain in enumerate(domains)]
    jobs, under_way, ended = Jobs(batch, LETTERHEAD, at_once), list[Job](), list[Job]()
    while jobs or under_way:
        what = data.draw(st.sampled_from([*(["take"] if len(jobs) else []), *(["settle", "settle", "put back"] if under_way else [])]))
        if what == "take":
            under_way.append(jobs.take())
            for domain, count in Counter(job.recipient[2:] for job in under_way).items():
                assert count <= (at_once.get(domain) or at_once.get("*") or 30)
            continue
        job = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
        if what == "put back":
            jobs.put_back(job)
        else:
            jobs.settled(job)
            ended.append(job)
    assert sorted(int(job.key) for job in ended) == list(range(len(domains)))
