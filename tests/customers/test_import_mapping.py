from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.importing.fitting import plan_by_map
from customers.importing.mapping import SECTIONS, MappingError, read_map
from customers.importing.plan import ROW, Plan, plan_by_names
from customers.importing.subjects import CONTACTS, CUSTOMERS, PURCHASES, SUBJECTS, Subject
from store.errors import InputError, NotFoundError
from tests.customers.importing_cases import ATTRIBUTES

HEADER = ("Klantnr", "Voornaam", "E-mail", "Opt in", "segment", "Voornaam ")


def plan(folder: Path, mapping: str, subject: Subject = CUSTOMERS, header: tuple[str, ...] = HEADER[:5]) -> Plan:
    file = folder / "map.yaml"
    file.write_text(mapping, encoding="utf-8")
    return plan_by_map(subject, header, read_map(file), ATTRIBUTES, ("offers", "service"))


def test_every_section_of_a_mapping_is_understood(tmp_path: Path) -> None:
    found = plan(
        tmp_path,
        """
        import: customers
        columns: {key: Klantnr, first_name: voornaam}
        constants: {country: NO, email: "c-{row}-{Klantnr}@example.com", recency: "3"}
        attributes: {arm: segment}
        values: {arm: {Mens E-Mail: mens}}
        consent:
          offers: {email: Opt in, sms: yes}
          evidence: order form
          date: 2026-01-01
        only_when: {segment: [a, b]}
        dates: day-month-year
        decimal: comma
        erase_empty: yes
        encoding: utf-8
        delimiter: semicolon
        """,
    )
    assert {name: (cell.column, cell.template) for name, cell in found.fields.items()} == {
        "key": (0, ()),
        "first_name": (1, ()),
        "email": (None, ("c-", ROW, "-", 0, "@example.com")),
        "country": (None, ("NO",)),
    }
    assert {name: (cell.column, dict(cell.values)) for name, cell in found.attributes.items()} == {
        "recency": (None, {}),
        "arm": (4, {"Mens E-Mail": "mens"}),
    }
    assert [(each.purpose, each.channel, each.says.column, each.says.template) for each in found.consents] == [
        ("offers", "email", 3, ()),
        ("offers", "sms", None, ("yes",)),
    ]
    assert found.only_when == ((4, frozenset({"a", "b"})),)
    assert found.erase_empty
    assert [(use.column, use.feeds) for use in found.uses][:3] == [("Klantnr", "key"), ("Voornaam", "first_name"), ("E-mail", None)]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("colums: {key: Klantnr}", "map.yaml:1:1: 'colums' is not known here.\n    Did you mean 'columns'?"),
        (
            "columns:\n  key: Klantnr\n  frist_name: Voornaam",
            "map.yaml:3:3: 'frist_name' is no field of customers.\n    Did you mean 'first_name'?",
        ),
        ("columns:\n  key: Klantnummr", "map.yaml:2:8: the file has no column 'Klantnummr'.\n    Did you mean 'Klantnr'?"),
        ("columns: {key: Klantnr, key: segment}", "map.yaml:1:25: 'key' stands here twice."),
        ("columns: [key]", "map.yaml:1:10: 'columns' should be lines of `name: value`."),
        ("columns: {key: [a]}", "map.yaml:1:16: a single text should stand here."),
        ("columns: {first_name: Voornaam}", "map.yaml: nothing fills 'key'"),
        ("key: Klantnr", "map.yaml:1:6: 'key' at the left margin can only be `row`."),
        ("key: row\ncolumns: {key: Klantnr}", "map.yaml:1:6: the key comes from somewhere else as well."),
        ("key: row\nconstants: {key: x}", "the key comes from somewhere else as well."),
        ("columns: {key: Klantnr}\nconstants: {key: x}", "map.yaml:2:13: 'key' comes from a column as well."),
        ("key: row\nattributes: {rcency: segment}", "the workspace has no attribute 'rcency'.\n    Did you mean 'recency'?"),
        ("key: row\nattributes: {zz: segment}", "Declare it under [attributes] in contactflow.toml."),
        ("key: row\ndetails: {page: segment}", "map.yaml:2:11: customers have no details."),
        ("key: row\nconstants: {email: '{Klantnmr}@example.com'}", "the file has no column 'Klantnmr'."),
        ("key: row\nvalues: {arm: {a: b}}", "map.yaml:2:10: 'arm' is not filled from any column."),
        ("key: row\nconsent: {ofers: {email: Opt in}}", "there is no purpose 'ofers'.\n    Did you mean 'offers'?"),
        ("key: row\nconsent: {offers: {mail: Opt in}}", "there is no channel 'mail'.\n    Did you mean 'email'?"),
        ("key: row\nconsent: {offers: {email: yes}}", "map.yaml:2:27: consent for everybody needs evidence."),
        ("key: row\nconsent: {offers: {email: Opt-in}}", "the file has no column 'Opt-in'.\n    Did you mean 'Opt in'?"),
        ("import: purchases\nkey: row", "map.yaml:1:9: this mapping is for purchases, not for customers."),
        ("import: people\nkey: row", "'people' is no choice for 'import'."),
        ("key: row\ndates: dmy", "'dmy' is no choice for 'dates'."),
        ("key: row\ndecimal: ','", "',' is no choice for 'decimal'."),
        ("key: row\nonly_when: {Opt: x}", "the file has no column 'Opt'."),
        ("key: row\n\tcolumns: x", "map.yaml:2:1: this is not YAML"),
        ("key: 'row", "this is not YAML"),
        ("- key", "map.yaml:1:1: the mapping should be lines of `name: value`."),
        ("", "map.yaml: nothing fills 'key'"),
        ("[" * 5_000, "map.yaml has more brackets"),
        ("- " * 5_000, "map.yaml is nested too deeply"),
        ("key: \x07", "this is not YAML"),
    ],
)
def test_a_fault_is_told_with_its_place_and_its_remedy(tmp_path: Path, mapping: str, words: str) -> None:
    with pytest.raises(InputError) as told:
        plan(tmp_path, mapping)
    assert words in str(told.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(MappingError) as told:
        plan(tmp_path, "columns: {frist: Voornaam, email: mail}\nvalues: {x: {a: b}}\nconsent: {news: {fax: no}}\n")
    assert str(told.value).count("map.yaml") == 6


def test_a_column_that_is_there_twice_can_not_be_used(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"twice \(columns 2 and 6\)"):
        plan(tmp_path, "key: row\ncolumns: {first_name: Voornaam}", header=(*HEADER[:5], "Voornaam"))


def test_purchases_carry_no_consent_and_no_attributes(tmp_path: Path) -> None:
    mapping = "columns: {customer: a, purchased_at: a, amount: a}\nattributes: {arm: a}\nconsent: {offers: {email: a}}"
    with pytest.raises(MappingError) as told:
        plan(tmp_path, mapping, PURCHASES, ("a",))
    assert "purchases have no attributes" in str(told.value)
    assert "purchases carry no consent" in str(told.value)


def test_a_mapping_that_is_not_there_or_is_the_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no mapping"):
        read_map(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_map(tmp_path)
    (tmp_path / "big.yaml").write_bytes(b"a" * (2 << 20))
    with pytest.raises(InputError, match="too large for a mapping"):
        read_map(tmp_path / "big.yaml")
    (tmp_path / "latin.yaml").write_bytes("key: é".encode("cp1252"))
    with pytest.raises(InputError, match="not in UTF-8"):
        read_map(tmp_path / "latin.yaml")


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("key: row{}[]\n-'\"&*!%@,columnsvatei?|>\t"), max_size=80))
def test_whatever_is_written_there_is_no_other_error(tmp_path_factory: pytest.TempPathFactory, mapping: str) -> None:
    assert "map.yaml" in told_of(tmp_path_factory.mktemp("map"), mapping)


def told_of(folder: Path, mapping: str) -> str:
    try:
        plan(folder, mapping)
    except InputError as error:
        return str(error)
    return "map.yaml is understood"


@pytest.mark.parametrize(
    ("subject", "header", "expected"),
    [
        (CUSTOMERS, ("Klantnummer", "Voornaam", "E-mail", "Geboortedatum", "Land", "kleur"), "key first_name email birth_date country -"),
        (CUSTOMERS, ("customer_id", "First Name", "EMAIL ADDRESS", "Zip", "recency"), "key first_name email postcode recency"),
        (CUSTOMERS, ("id", "key", "consent_offers_email"), "- key consent_offers_email"),
        (PURCHASES, ("klantnr", "datum", "bedrag", "artikel"), "customer purchased_at amount product"),
        (PURCHASES, ("household_id", "timestamp", "amount", "order id"), "customer purchased_at amount key"),
        (CONTACTS, ("customer", "type", "at", "campaign", "node"), "customer kind at campaign node"),
    ],
)
def test_columns_with_usual_names_are_understood_by_themselves(subject: Subject, header: tuple[str, ...], expected: str) -> None:
    found = plan_by_names(subject, header, ATTRIBUTES, ("offers",))
    assert " ".join(use.feeds or "-" for use in found.uses) == expected


def test_columns_that_are_not_understood_are_told_with_the_mapping_to_write() -> None:
    with pytest.raises(InputError) as told:
        plan_by_names(CUSTOMERS, ("a", "b", "b"), {}, ())
    assert "No column was understood as 'key'. The file has: a, b, b. More than once: b." in str(told.value)
    assert "key: the name of its column" in str(told.value)


def test_no_two_fields_of_a_subject_share_a_spelling() -> None:
    for subject in SUBJECTS.values():
        names = {rule.name for rule in subject.fields}
        spellings = [each for rule in subject.fields for each in rule.synonyms]
        assert len(spellings) == len(set(spellings))
        assert not names & set(spellings)


def test_every_section_has_its_sentence() -> None:
    assert all(sentence.endswith(".") for sentence in SECTIONS.values())
