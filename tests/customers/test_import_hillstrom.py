"""The mappings that ship in imports/, on a file with the columns of the Hillstrom challenge."""

from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from customers.attributes import declare_attributes
from customers.conditions.vocabulary import AttributeKind
from customers.importing.results import House, Order
from customers.importing.run import import_file
from store.session import writing
from tests.customers.importing_cases import CLOCK, order, rows

IMPORTS = Path(__file__).parents[2] / "imports"
CHALLENGE = """recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend
10,2) $100 - $200,142.44,1,0,Surburban,0,Phone,Womens E-Mail,0,0,0
6,3) $200 - $350,329.08,1,1,Rural,1,Web,No E-Mail,1,0,0
2,1) $0 - $100,1000,0,1,Urban,1,Multichannel,Mens E-Mail,1,1,29.99
"""
HOUSE = House(
    ZoneInfo("UTC"),
    "USD",
    {
        "recency": AttributeKind.INTEGER,
        "history": AttributeKind.NUMBER,
        "mens": AttributeKind.BOOLEAN,
        "womens": AttributeKind.BOOLEAN,
        "zip_code": AttributeKind.TEXT,
        "newbie": AttributeKind.BOOLEAN,
        "usual_channel": AttributeKind.TEXT,
        "arm": AttributeKind.TEXT,
    },
    ("offers",),
)


def test_the_shipped_mappings_read_the_challenge(database: Engine, tmp_path: Path) -> None:
    with writing(database) as session:
        declare_attributes(session, HOUSE.attributes)
    file = order(tmp_path, "customers", CHALLENGE, name="hillstrom.csv.gz").file
    results = [
        import_file(database, Order(subject, file, IMPORTS / f"hillstrom-{mapping}.yaml"), HOUSE, CLOCK)
        for subject, mapping in (("customers", "customers"), ("purchases", "purchases"), ("contacts", "visits"))
    ]
    assert [(result.new, result.skipped, result.rejected) for result in results] == [(3, 0, 0), (1, 2, 0), (2, 1, 0)]
    assert rows(
        database, "SELECT email, recency, history, mens, zip_code, usual_channel, arm FROM customer JOIN profile ON customer_id = id"
    ) == [
        ("customer-1@example.com", 10, 142.44, 1, "Suburban", "Phone", "womens"),
        ("customer-2@example.com", 6, 329.08, 1, "Rural", "Web", "none"),
        ("customer-3@example.com", 2, 1000.0, 0, "Urban", "Multichannel", "mens"),
    ]
    noon = 1_206_187_200_000_000  # 2008-03-22 12:00 UTC
    assert rows(database, "SELECT key, purchased_at, amount_cents, currency FROM purchase") == [("hillstrom-purchase-3", noon, 2999, "USD")]
    assert rows(database, "SELECT key, at, kind, campaign FROM contact ORDER BY key") == [
        ("hillstrom-visit-2", noon, "visited", "hillstrom"),
        ("hillstrom-visit-3", noon, "visited", "hillstrom"),
    ]
    assert rows(database, "SELECT DISTINCT granted, purpose, channel FROM consent") == [(1, "offers", "email")]
