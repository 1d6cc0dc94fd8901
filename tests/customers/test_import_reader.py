import gzip
from pathlib import Path

import pytest

from customers.importing.layout import layout_of
from customers.importing.problems import OPEN_QUOTE, TOO_FEW_CELLS, TOO_MANY_CELLS
from customers.importing.reader import Batch, Reader
from store.errors import InputError, NotFoundError


def read(folder: Path, content: str | bytes, rows_per_batch: int = 3) -> tuple[Reader, list[Batch]]:
    file = folder / "in.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    reader = Reader(layout_of(file), rows_per_batch)
    return reader, list(reader.batches())


def cells(batches: list[Batch]) -> list[list[str]]:
    return [list(row) for batch in batches for row in batch.rows]


@pytest.mark.parametrize(
    ("raw", "encoding", "delimiter"),
    [
        (b"key,city\n1,Gent\n", "utf-8-sig", ","),
        (b"\xef\xbb\xbfkey;city\r\n1;Gent\r\n", "utf-8-sig", ";"),
        (b"key\tcity\r1\tGent\r", "utf-8-sig", "\t"),
        ("key;city\n1;Gent\n2;Orléans".encode("cp1252"), "cp1252", ";"),
        ("key,city\n1,Gent\n".encode("utf-16"), "utf-16", ","),
        (b'"a,b";key;city\nx;1;Gent\n', "utf-8-sig", ";"),
        (b"sep=;\nkey;city,town\n1;Gent\n", "utf-8-sig", ";"),
        (b"\n\nkey|city\n\n1|Gent\n", "utf-8-sig", "|"),
    ],
)
def test_the_layout_is_found_by_itself(tmp_path: Path, raw: bytes, encoding: str, delimiter: str) -> None:
    reader, batches = read(tmp_path, raw)
    assert (reader.layout.encoding, reader.layout.delimiter) == (encoding, delimiter)
    assert cells(batches)[0][-1] == "Gent"


def test_a_file_in_windows_1252_is_told(tmp_path: Path) -> None:
    reader, batches = read(tmp_path, "key,name\n1,Zoë\n".encode("cp1252"))
    assert cells(batches) == [["1", "Zoë"]]
    assert "Windows-1252" in reader.layout.notes[0]


def test_one_broken_letter_does_not_spoil_the_others(tmp_path: Path) -> None:
    _, batches = read(tmp_path, "key,name\n1,Zoë\n2,Chloë\n3,".encode() + b"Jo\xebl\n")
    assert cells(batches) == [["1", "Zoë"], ["2", "Chloë"], ["3", "Jo\ufffdl"]]


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    _, batches = read(tmp_path, gzip.compress(b"key,city\n1,Gent\n"))
    assert cells(batches) == [["1", "Gent"]]


def test_rows_keep_their_numbers_and_lines(tmp_path: Path) -> None:
    content = 'key,note\n1,a\n\n2,"two\nlines"\n3,b\n , \n4\n5,c,d\n6,e,\n'
    _, batches = read(tmp_path, content)
    assert [(number, line) for batch in batches for number, line in zip(batch.numbers, batch.lines, strict=True)] == [
        (1, 2),
        (2, 4),
        (3, 6),
        (6, 10),
    ]
    assert [(bad.number, bad.line, bad.problem) for batch in batches for bad in batch.unreadable] == [
        (4, 8, TOO_FEW_CELLS),
        (5, 9, TOO_MANY_CELLS),
    ]
    assert cells(batches)[-1] == ["6", "e"]


def test_a_quotation_mark_that_is_never_closed_costs_one_stretch_and_not_the_file(tmp_path: Path) -> None:
    lost = "".join(f"{n},{'x' * 90}\n" for n in range(2, 1_600))
    _, batches = read(tmp_path, 'key,note\n1,a\n2,"b\n' + lost + "last,c\n", rows_per_batch=10_000)
    assert [bad.problem for batch in batches for bad in batch.unreadable] == [OPEN_QUOTE]
    assert [bad.line for batch in batches for bad in batch.unreadable] == [3]
    assert cells(batches)[0] == ["1", "a"]
    assert cells(batches)[-1] == ["last", "c"]


def test_nul_bytes_are_told(tmp_path: Path) -> None:
    reader, _ = read(tmp_path, b"key,name\n1,J\0an and a few more letters\n")
    assert reader.layout.notes == ("1 NUL bytes were left out.",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"k\0e\0y\0,\0a\0\n\0" * 9, "NUL byte"),
        (b"key,name\n1,\x81\n", "neither in UTF-8 nor"),
        (gzip.compress(b"key\n1\n" * 99, mtime=0)[:-12], "is damaged"),
    ],
)
def test_what_is_no_csv_file_is_told_in_words(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, content)


def test_a_file_that_is_not_there_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no file"):
        layout_of(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        layout_of(tmp_path)


def test_an_unknown_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"key\n1\n")
    with pytest.raises(InputError, match="no encoding called"):
        layout_of(tmp_path / "in.csv", "klingon")


def test_only_a_header_gives_no_rows(tmp_path: Path) -> None:
    reader, batches = read(tmp_path, " key , E-mail  address \n")
    assert reader.header == ("key", "E-mail address")
    assert batches == []
