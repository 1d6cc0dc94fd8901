"""SendGrid's own words, its description and its client, against our requests and our fake."""

import json
from datetime import UTC, datetime

import pytest
from python_http_client.exceptions import BadRequestsError, UnauthorizedError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Mail

from channels.email.sendgrid.events import SIGNATURE, TIMESTAMP
from tests.sendgrid.trial import described, sendgrid


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": {"email": "a@b.nl"}},
        {"personalizations": [{}], "from": {"email": "a@b.nl"}},
        {"personalizations": [{"to": [{}]}], "from": {"email": "a@b.nl"}},
        {"personalizations": [{"to": [{"email": "a@b.nl"}]}] * 1_001, "from": {"email": "a@b.nl"}},
        {"personalizations": [{"to": [{"email": "a@b.nl"}], "substitutions": {"-x-": 1}}], "from": {"email": "a@b.nl"}},
        {
            "personalizations": [{"to": [{"email": "a@b.nl"}]}],
            "from": {"email": "a@b.nl"},
            "content": [{"type": "text/plain", "value": ""}],
        },
    ],
)
def test_the_description_would_find_a_wrong_request(wrong: object) -> None:
    assert list(described().iter_errors(wrong))


def test_the_official_client_is_understood_by_our_fake() -> None:
    with sendgrid() as fake:
        client = SendGridAPIClient(fake.key, host=fake.address)
        letter = Mail("news@shop.example", "anna@example.com", "Hi", "text", "<p>html</p>")
        answer = client.send(letter)
        assert (answer.status_code, answer.headers["X-Message-Id"]) == (202, "fake-0")
        assert fake.accepted[0].parts == {"subject": "Hi", "text": "text", "html": "<p>html</p>"}
        with pytest.raises(UnauthorizedError):
            SendGridAPIClient("SG.another", host=fake.address).send(letter)
        with pytest.raises(BadRequestsError) as raised:
            client.send(Mail("news@shop.example", "nobody@nowhere", "Hi", "text"))
        assert json.loads(raised.value.body)["errors"][0]["field"] == "personalizations.0.to.0.email"


def test_the_official_client_believes_what_our_fake_signs() -> None:
    with sendgrid() as fake:
        body, headers = fake.signed([{"event": "open"}], datetime(2026, 3, 2, tzinfo=UTC))
        verifier = EventWebhook(fake.webhook_key)
        assert verifier.verify_signature(body.decode(), headers[SIGNATURE], headers[TIMESTAMP])
        assert not verifier.verify_signature(body.decode() + " ", headers[SIGNATURE], headers[TIMESTAMP])
