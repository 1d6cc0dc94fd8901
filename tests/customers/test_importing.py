import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from customers.consent import ConsentChange, Source, consent_of, record_consent
from customers.importing.mapping import MappingError
from customers.importing.results import Hooks, Order
from customers.importing.writing import Seen
from customers.tables import CustomerId
from store.bulk import Ids
from store.errors import InputError
from store.session import reading, writing
from tests.customers.importing_cases import CLOCK, bring_in, look, order, rows, told, with_attributes

PEOPLE = """klantnummer;voornaam;achternaam;e-mail;telefoon;postcode;land;geboortedatum;recency;newbie;consent_offers_email
K1;Jan;de Vries;Jan@Example.nl;06-12345678;1234ab;Nederland;31-12-1980;3;ja;ja
K2;Zoë ;Maes;zoe@example.be;0470 12 34 56;9000;België;01/02/1990;4;nee;nee
K3;Eve;;no address;12;9;Atlantis;32-13-1980;x;?;misschien
;Nobody;;nobody@example.com;;;;;;;
K4;Bo;;;;;;;;;
"""


@pytest.fixture
def people(database: Engine) -> Engine:
    return with_attributes(database)


def test_customers_are_cleaned_at_the_source(people: Engine, tmp_path: Path) -> None:
    result = bring_in(people, order(tmp_path, "customers", PEOPLE))
    assert (result.read, result.new, result.rejected) == (5, 4, 1)
    assert rows(people, "SELECT key, first_name, email, phone, postcode, country FROM customer ORDER BY key") == [
        ("K1", "Jan", "jan@example.nl", "+31612345678", "1234 AB", "NL"),
        ("K2", "Zoë", "zoe@example.be", "+32470123456", "9000", "BE"),
        ("K3", "Eve", None, None, None, None),
        ("K4", "Bo", None, None, None, None),
    ]
    assert [
        (row[0], str(row[1])) for row in rows(people, "SELECT key, birth_date FROM customer WHERE birth_date IS NOT NULL ORDER BY key")
    ] == [
        ("K1", "1980-12-31"),
        ("K2", "1990-02-01"),
    ]
    assert rows(people, "SELECT recency, newbie FROM profile ORDER BY customer_id") == [(3, 1), (4, 0), (None, None), (None, None)]
    assert told(result) == {
        ("klantnummer", "the cell is empty"): 1,
        ("e-mail", "not an e-mail address"): 1,
        ("telefoon", "a telephone number that does not exist"): 1,
        ("postcode", "not a postcode of that country"): 1,
        ("land", "not a country"): 1,
        ("geboortedatum", "not a date"): 1,
        ("recency", "not a whole number"): 1,
        ("newbie", "neither yes nor no"): 1,
        ("consent_offers_email", "neither yes nor no"): 1,
    }


def test_rejected_rows_stand_in_a_file_that_can_be_corrected_and_imported(people: Engine, tmp_path: Path) -> None:
    result = bring_in(people, order(tmp_path, "customers", PEOPLE))
    assert result.rejected_path == tmp_path / "in.rejected.csv"
    content = result.rejected_path.read_text(encoding="utf-8-sig")
    found = list(csv.DictReader(content.splitlines(), delimiter=";"))
    assert [(row["row"], row["line"], row["column"]) for row in found] == [
        ("3", "4", "e-mail, land, telefoon, postcode, geboortedatum, recency, newbie, consent_offers_email"),
        ("4", "5", "klantnummer"),
    ]
    assert (found[1]["reason"], found[1]["voornaam"]) == ("the cell is empty", "Nobody")
    assert "name@example.com" in found[0]["remedy"]
    repaired = content.replace("no address", "eve@example.com").replace(";Atlantis;", ";BE;").replace(";;Nobody", ";K5;Nobody")
    again = bring_in(people, order(tmp_path, "customers", repaired, name="repaired.csv"))
    assert (again.read, again.new, again.changed) == (2, 1, 1)
    assert rows(people, "SELECT email, country FROM customer WHERE key = 'K3'") == [("eve@example.com", "BE")]


def test_a_file_of_rejected_rows_keeps_the_numbers_of_the_rows(people: Engine, tmp_path: Path) -> None:
    mapping = "key: row\ncolumns: {email: mail}"
    first = bring_in(people, order(tmp_path, "customers", "mail\na@example.com\nwrong\n", mapping))
    assert first.rejected_path
    repaired = first.rejected_path.read_text(encoding="utf-8-sig").replace("wrong", "b@example.com")
    bring_in(people, order(tmp_path, "customers", repaired, mapping, "repaired.csv"))
    assert rows(people, "SELECT key, email FROM customer ORDER BY key") == [("1", "a@example.com"), ("2", "b@example.com")]


def test_importing_twice_changes_nothing_the_second_time(people: Engine, tmp_path: Path) -> None:
    given = order(tmp_path, "customers", PEOPLE)
    bring_in(people, given)
    everything = [rows(people, f"SELECT * FROM {table}") for table in ("customer", "profile", "consent", "consent_event")]
    again = bring_in(people, given)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 4)
    assert [rows(people, f"SELECT * FROM {table}") for table in ("customer", "profile", "consent", "consent_event")] == everything


def test_only_given_columns_change_and_empty_cells_say_nothing(people: Engine, tmp_path: Path) -> None:
    bring_in(people, order(tmp_path, "customers", "key,first_name,city,arm,recency\n1,Jan,Gent,a,1\n2,Eva,Aalst,b,2\n"))
    result = bring_in(people, order(tmp_path, "customers", "key,city,recency\n1,,7\n2,Aalst,wrong\n"))
    assert (result.changed, result.unchanged) == (1, 1)
    assert rows(people, "SELECT key, first_name, city, arm, recency FROM customer JOIN profile ON customer_id = id ORDER BY key") == [
        ("1", "Jan", "Gent", "a", 7),
        ("2", "Eva", "Aalst", "b", 2),
    ]


def test_an_empty_cell_erases_when_the_mapping_says_so_but_a_wrong_one_never_does(people: Engine, tmp_path: Path) -> None:
    mapping = "erase_empty: yes\ncolumns: {key: key, city: city, email: email}\nattributes: {recency: recency, member_since: since}"
    bring_in(people, order(tmp_path, "customers", "key,city,email,recency,since\n1,Gent,a@example.com,1,2020-02-03\n", mapping))
    result = bring_in(people, order(tmp_path, "customers", "key,city,email,recency,since\n1,,wrong,,2020-02-03\n", mapping))
    assert result.changed == 1
    found = rows(people, "SELECT city, email, recency, member_since FROM customer JOIN profile ON customer_id = id")
    assert [(*row[:3], str(row[3])) for row in found] == [(None, "a@example.com", None, "2020-02-03")]


def test_the_last_of_repeated_rows_wins_and_is_told(people: Engine, tmp_path: Path) -> None:
    content = "key,first_name,city,recency\n1,Jan,Gent,1\n2,Eva,,\n1,Johan,,2\n1,,Aalst,\n2,Eva,,\n"
    for most in (100, 2, 1):
        given = order(tmp_path, "customers", content.replace("\n1", f"\n{most}-1").replace("\n2", f"\n{most}-2"))
        result = bring_in(people, replace(given, rows_per_batch=most))
        assert (result.new, result.changed, result.unchanged, result.repeated) == (2, 0, 0, 3)
    found = rows(people, "SELECT first_name, city, recency FROM customer JOIN profile ON customer_id = id ORDER BY id")
    assert found == [("Johan", "Aalst", 2), ("Eva", None, None)] * 3


def test_a_key_may_be_the_number_of_the_row_and_constants_may_name_columns(people: Engine, tmp_path: Path) -> None:
    mapping = """
    key: row
    constants: {email: "customer-{row}@example.com", street: "{road} {no}", recency: "4"}
    values: {arm: {Mens E-Mail: mens}}
    attributes: {arm: segment}
    only_when: {take: ["1", "yes"]}
    """
    result = bring_in(
        people, order(tmp_path, "customers", "road,no,segment,take\nKerkstraat,1,Mens E-Mail,1\nx,2,,0\nDam,3,other,yes\n", mapping)
    )
    assert (result.new, result.skipped) == (2, 1)
    assert rows(people, "SELECT key, email, street, arm, recency FROM customer JOIN profile ON customer_id = id ORDER BY key") == [
        ("1", "customer-1@example.com", "Kerkstraat 1", "mens", 4),
        ("3", "customer-3@example.com", "Dam 3", "other", 4),
    ]


def test_a_constant_that_is_no_value_of_its_field_is_told_once(people: Engine, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="country: not a country"):
        bring_in(people, order(tmp_path, "customers", "a\n1\n", "key: row\nconstants: {country: Holand}"))
    mapping = "key: row\nconsent: {offers: {email: yes}, evidence: form, date: yesterday}"
    with pytest.raises(MappingError, match="consent: date: not a moment"):
        bring_in(people, order(tmp_path, "customers", "a\n1\n", mapping))
    assert rows(people, "SELECT count(*) FROM customer") == [(0,)]


def standing(database: Engine, key: str) -> str:
    with reading(database) as session:
        (customer_id,) = session.execute(text("SELECT id FROM customer WHERE key = :key"), {"key": key}).one()
        found = consent_of(session, np.array([customer_id]), "offers", "email")
    return "granted" if found.granted[0] else "refused" if found.refused[0] else "never"


def say(database: Engine, key: str, granted: bool) -> None:
    with writing(database) as session:
        (customer_id,) = session.execute(text("SELECT id FROM customer WHERE key = :key"), {"key": key}).one()
        change = ConsentChange(CustomerId(customer_id), "offers", "email", granted=granted, at=CLOCK.now(), source=Source.PAGE)
        record_consent(session, [change])


CONSENT = "columns: {key: key}\nconsent: {offers: {email: news}, evidence: '{form}', date: asked}"


def test_consent_comes_with_its_date_and_evidence(people: Engine, tmp_path: Path) -> None:
    content = (
        "key,news,form,asked\n1,ja,order form,2026-01-05\n2,nee,order form,2026-01-05\n3,,,\n4,ja,order form,soon\n5,nee,order form,soon\n"
    )
    bring_in(people, order(tmp_path, "customers", content, CONSENT))
    assert [standing(people, key) for key in "12345"] == ["granted", "refused", "never", "never", "refused"]
    events = rows(people, "SELECT granted, source, evidence FROM consent_event ORDER BY id")
    assert events[0] == (1, "import", '{"column":"news","file":"in.csv","says":"order form"}')
    bring_in(people, order(tmp_path, "customers", content, CONSENT))
    assert len(rows(people, "SELECT id FROM consent_event")) == len(events)


def test_an_import_never_turns_a_refusal_into_a_grant_and_may_always_refuse(people: Engine, tmp_path: Path) -> None:
    yes = order(tmp_path, "customers", "key,consent_offers_email\n1,ja\n")
    bring_in(people, yes)
    say(people, "1", granted=False)
    bring_in(people, yes)
    later = "key,news,form,asked\n1,ja,shop,2030-01-01\n"
    bring_in(people, order(tmp_path, "customers", later, CONSENT))
    assert standing(people, "1") == "refused"
    bring_in(people, order(tmp_path, "customers", "key,consent_offers_email\n2,ja\n"))
    bring_in(people, order(tmp_path, "customers", "key,consent_offers_email\n2,nee\n"))
    assert standing(people, "2") == "refused"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["file ja", "file nee", "dated ja", "page ja", "page nee"]), min_size=1, max_size=6))
def test_no_sequence_of_files_and_words_lets_a_file_enable_again(people: Engine, tmp_path: Path, steps: list[str]) -> None:
    key = f"k{rows(people, 'SELECT count(*) FROM customer')[0][0]}"
    bring_in(people, order(tmp_path, "customers", f"key\n{key}\n"))
    for step in steps:
        was = standing(people, key)
        where, word = step.split()
        if where == "page":
            say(people, key, granted=word == "ja")
        elif where == "dated":
            bring_in(people, order(tmp_path, "customers", f"key,news,form,asked\n{key},{word},shop,2030-01-01\n", CONSENT))
        else:
            bring_in(people, order(tmp_path, "customers", f"key,consent_offers_email\n{key},{word}\n"))
        if where != "page" and was == "refused":
            assert standing(people, key) == "refused"
        if where != "page" and word == "nee":
            assert standing(people, key) == "refused"


SALES = """klantnr;datum;bedrag;artikel;order_id
1;02-03-2026 10:00;12,50;shoe;A1
9;02-03-2026;1,00;;A2
1;02-03-2026;abc;;A3
1;01-03-2026;-5;;A4
"""


def test_purchases_are_recorded_once_for_customers_who_are_known(people: Engine, tmp_path: Path) -> None:
    bring_in(people, order(tmp_path, "customers", "key\n1\n"))
    woken: list[list[int]] = []
    hooks = Hooks(after_insert=lambda _, ids: woken.append(ids.tolist()))
    result = bring_in(people, order(tmp_path, "purchases", SALES), hooks)
    assert (result.new, result.rejected) == (2, 2)
    assert told(result) == {("customer", "no customer has this key"): 1, ("bedrag", "not an amount"): 1}
    micros = 1_772_442_000_000_000  # 10:00 in Amsterdam is 09:00 UTC
    assert rows(people, "SELECT key, purchased_at, amount_cents, currency, product FROM purchase ORDER BY key") == [
        ("A1", micros, 1250, "EUR", "shoe"),
        ("A4", 1_772_319_600_000_000, -500, "EUR", None),
    ]
    again = bring_in(people, order(tmp_path, "purchases", SALES), hooks)
    assert (again.new, again.unchanged) == (0, 2)
    assert woken == [[rows(people, "SELECT id FROM customer")[0][0]]]


def test_the_margin_of_a_purchase_may_come_later_but_never_changes(people: Engine, tmp_path: Path) -> None:
    bring_in(people, order(tmp_path, "customers", "key\nc1\n"))
    first = "customer,id,date,amount\nc1,p1,2026-01-05 10:00,10.00\nc1,p2,2026-01-06 10:00,20.00\n"
    bring_in(people, order(tmp_path, "purchases", first))
    completed = "customer,id,date,amount,marge\nc1,p1,2026-01-05 10:00,10.00,3.50\nc1,p2,2026-01-06 10:00,20.00,\n"
    result = bring_in(people, order(tmp_path, "purchases", completed))
    assert (result.new, result.changed, result.unchanged) == (0, 1, 1)
    assert bring_in(people, order(tmp_path, "purchases", completed)).unchanged == 2
    other = "customer,id,date,amount,marge\nc1,p1,2026-01-05 10:00,10.00,9.99\nc1,p3,2026-01-07 10:00,5.00,-1.00\n"
    result = bring_in(people, order(tmp_path, "purchases", other))
    assert (result.new, result.changed, result.unchanged) == (1, 0, 1)
    assert told(result) == {("margin", "the same key is known with other contents"): 1}
    stored = rows(people, "SELECT key, amount_cents, margin_cents FROM purchase ORDER BY key")
    assert stored == [("p1", 1000, 350), ("p2", 2000, None), ("p3", 500, -100)]


def test_a_purchase_without_a_key_gets_one_from_its_contents(people: Engine, tmp_path: Path) -> None:
    bring_in(people, order(tmp_path, "customers", "key\n1\n2\n"))
    content = "customer,date,amount\n1,2026-01-01,5\n1,2026-01-01,5.00\n1,2026-01-02,5\n2,2026-01-01,5\n"
    result = bring_in(people, order(tmp_path, "purchases", content))
    assert (result.new, result.repeated) == (3, 1)
    backwards = "customer,amount,date\n2,5,01-01-2026\n1,5,02-01-2026\n1,6,02-01-2026\n"
    again = bring_in(people, order(tmp_path, "purchases", backwards))
    assert (again.new, again.unchanged) == (1, 2)


def test_a_known_key_with_other_contents_is_rejected(people: Engine, tmp_path: Path) -> None:
    bring_in(people, order(tmp_path, "customers", "key\n1\n"))
    bring_in(people, order(tmp_path, "purchases", "customer,date,amount,order id\n1,2026-01-01,5,A\n"))
    result = bring_in(
        people, order(tmp_path, "purchases", "customer,date,amount,order id\n1,2026-01-01,6,A\n1,2026-01-01,6,B\n1,2026-01-01,7,B\n")
    )
    assert (result.new, result.rejected) == (1, 2)
    assert told(result) == {("key", "the same key is known with other contents"): 2}


def test_responses_from_elsewhere_go_into_the_contact_log_once(people: Engine, tmp_path: Path) -> None:
    bring_in(people, order(tmp_path, "customers", "key\n1\n"))
    content = """customer,kind,at,campaign,node,event,page
1,click,2026-03-01T10:00:00Z,winback,mail,,/a
1,event,2026-03-01,,,signed_up,
1,answered,2026-03-01,winback,form,,yes
1,sent,2026-03-01,,,,
"""
    mapping = """
    columns: {customer: customer, kind: kind, at: at, campaign: campaign, node: node, event: event}
    details: {page: page}
    """
    given = order(tmp_path, "contacts", content, mapping)
    result = bring_in(people, given)
    assert (result.new, result.rejected) == (3, 1)
    assert rows(people, "SELECT direction, channel, kind, campaign, node, human, detail FROM contact ORDER BY id") == [
        ("in", "import", "clicked", "winback", "mail", 1, '{"page":"/a"}'),
        ("in", "import", "event", None, None, 1, '{"name":"signed_up"}'),
        ("in", "import", "answered", "winback", "form", 1, '{"answers":{"page":"yes"}}'),
    ]
    again = bring_in(people, given)
    assert (again.new, again.unchanged) == (0, 3)


def test_a_crash_leaves_whole_batches_and_the_next_run_completes_them(people: Engine, tmp_path: Path) -> None:
    content = "key,consent_offers_email\n" + "".join(f"{n},ja\n" for n in range(35))
    given = replace(order(tmp_path, "customers", content), rows_per_batch=10)
    calls: list[int] = []

    def break_down(_: Session, ids: Ids) -> None:
        calls.append(len(ids))
        if len(calls) == 3:
            raise RuntimeError("the machine went down")

    with pytest.raises(RuntimeError):
        bring_in(people, given, Hooks(after_insert=break_down))
    assert rows(people, "SELECT count(*) FROM customer") == [(20,)]
    assert rows(people, "SELECT count(*) FROM consent") == [(20,)]
    result = bring_in(people, given)
    assert (result.new, result.unchanged) == (15, 20)
    assert rows(people, "SELECT count(*) FROM consent_event") == [(35,)]


def test_a_preview_tells_everything_and_writes_nothing(people: Engine, tmp_path: Path) -> None:
    given = order(tmp_path, "customers", PEOPLE)
    preview = look(people, given)
    assert (preview.read, preview.usable, preview.rejected) == (5, 4, 1)
    assert preview.sample[0] == {
        "key": "K1",
        "first_name": "Jan",
        "last_name": "de Vries",
        "email": "jan@example.nl",
        "country": "NL",
        "phone": "+31612345678",
        "postcode": "1234 AB",
        "birth_date": "1980-12-31",
        "recency": 3,
        "newbie": True,
        "consent_offers_email": True,
    }
    assert preview.sample[2] == {"key": "K3", "first_name": "Eve"}
    assert ("telefoon", "phone", "synonym") in [(use.column, use.feeds, use.how) for use in preview.uses]
    assert rows(people, "SELECT count(*) FROM customer") == [(0,)]
    assert not (tmp_path / "in.rejected.csv").exists()
    assert told(preview) == told(bring_in(people, given))


def test_a_preview_of_purchases_knows_who_is_missing(people: Engine, tmp_path: Path) -> None:
    preview = look(people, order(tmp_path, "purchases", SALES))
    assert (preview.usable, preview.rejected) == (0, 4)


@pytest.mark.parametrize("number", [10, 1_000])
def test_the_number_of_statements_does_not_grow_with_the_customers(people: Engine, tmp_path: Path, number: int) -> None:
    content = "key,email,recency,consent_offers_email\n" + "".join(f"{n},a{n}@example.com,{n},ja\n" for n in range(number))
    bring_in(people, order(tmp_path, "customers", content))
    statements: list[str] = []
    event.listen(people, "before_cursor_execute", lambda *given: statements.append(given[2]))
    result = bring_in(people, order(tmp_path, "customers", content.replace("@example.com", "@example.org").replace(",ja", ",nee")))
    assert result.changed == number
    assert len(statements) <= 25


def test_files_that_give_nothing_are_told(people: Engine, tmp_path: Path) -> None:
    assert bring_in(people, order(tmp_path, "customers", "key,email\n")).read == 0
    for content, words in (("", "is empty"), ("a,b\n1,2\n", "No column was understood as 'key'")):
        with pytest.raises(InputError, match=words):
            bring_in(people, order(tmp_path, "customers", content))


def test_a_file_that_is_not_ours_is_never_overwritten_with_rejected_rows(people: Engine, tmp_path: Path) -> None:
    given = order(tmp_path, "customers", PEOPLE)
    (tmp_path / "in.rejected.csv").write_text("my own work")
    with pytest.raises(InputError, match="holds no rejected rows"):
        bring_in(people, given)
    with pytest.raises(InputError, match="is the file to import"):
        bring_in(people, Order("customers", given.file, rejected=given.file))
    elsewhere = tmp_path / "there" / "x.csv"
    with pytest.raises(InputError, match="cannot be written"):
        bring_in(people, Order("customers", given.file, rejected=elsewhere))
    elsewhere.parent.mkdir()
    bring_in(people, Order("customers", given.file, rejected=elsewhere))
    assert elsewhere.exists()
    good = Order("customers", order(tmp_path, "customers", "key\n1\n").file, rejected=elsewhere)
    assert bring_in(people, good).rejected_path is None
    assert not elsewhere.exists()


def test_packed_files_in_other_encodings_go_all_the_way(people: Engine, tmp_path: Path) -> None:
    content = 'key;first_name;city\n1;Zoë;\'s-Gravenhage\n2;"two\nlines";Gent\n'.encode("cp1252")
    result = bring_in(people, order(tmp_path, "customers", content, name="in.csv.gz"))
    assert "Windows-1252" in result.notes[0]
    assert rows(people, "SELECT first_name FROM customer ORDER BY key") == [("Zoë",), ("two lines",)]


def test_keys_are_remembered_across_batches() -> None:
    seen = Seen()
    assert seen.repeats([]) == []
    for start in range(0, 1_000, 7):
        assert not any(seen.repeats([f"k{n}" for n in range(start, start + 7)]))
    assert seen.repeats(["k0", "new", "k999", "k500"]) == [True, False, True, True]


def test_a_file_without_one_readable_row_is_told_row_by_row(people: Engine, tmp_path: Path) -> None:
    result = bring_in(people, order(tmp_path, "customers", 'key,first_name\n1,Jan,x,y\n2\n"3,Piet'))
    assert (result.read, result.new, result.rejected) == (3, 0, 3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(st.sampled_from('1;,"\n\r\t\x00é key'), max_size=60).map(str.encode))
def test_no_file_whatever_makes_an_import_fall_over(people: Engine, tmp_path: Path, content: bytes) -> None:
    try:
        result = bring_in(people, order(tmp_path, "customers", b"key,first_name\n" + content))
    except InputError:
        return
    assert (
        result.read == result.new + result.changed + result.unchanged + result.repeated + result.skipped + result.erased + result.rejected
    )
