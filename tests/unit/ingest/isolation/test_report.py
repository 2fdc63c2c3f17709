"""What a reading process tells: it comes back as it was, and nonsense is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headgate.core.errors import ContractError, RefusedError, ResourceError
from headgate.ingest.isolation import report
from headgate.ingest.readers.base import Reason
from headgate.ingest.taken import Taken
from headgate.lake.stage import StagedFile

HASH = "a" * 64


def staged(folder: Path, name: str = "x/part.parquet", rows: int = 2) -> StagedFile:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"some rows")
    return StagedFile(path, 9, rows, json.dumps({"numRecords": rows}), {"a": 1})


def taken(folder: Path) -> Taken:
    return Taken(
        content_hash=HASH, read=5, staged=(staged(folder),),
        refused=(staged(folder, "quarantine/y/part.parquet", 3),), quarantined=3,
        codes={"truncated": 3}, reading={"truncated": 3}, breaches={"a.required": 0},
        control_total=(None, 5), notes=("a byte order mark\n",),
    )  # fmt: skip


def test_what_was_taken_comes_back_as_it_was(tmp_path: Path) -> None:
    told = taken(tmp_path)

    assert report.read(report.taken_text(told, tmp_path).encode(), tmp_path) == told


def test_errors_of_ours_come_back_as_they_were(tmp_path: Path) -> None:
    error = ContractError("no such column.", remedy="Name another.", place="x.yaml#/schema")
    found = report.read(report.error_text(error).encode(), tmp_path)
    assert (type(found), str(found)) == (ContractError, str(error))

    full = ResourceError("no space left.", everywhere=False)
    found = report.read(report.error_text(full).encode(), tmp_path)
    assert isinstance(found, ResourceError)
    assert not found.everywhere


def test_an_error_of_another_module_comes_back_as_the_nearest_of_ours(tmp_path: Path) -> None:
    class Own(RefusedError):
        pass

    found = report.read(report.error_text(Own("lone \ud800 half")).encode(), tmp_path)
    assert type(found) is RefusedError
    assert str(found) == "lone \\ud800 half"


def test_a_reason_comes_back_as_it_was(tmp_path: Path) -> None:
    why = Reason("unpacks_too_far", None, "more than 200 times as much")
    assert report.read(report.reason_text(why).encode(), tmp_path) == why


def changed(folder: Path, **values: object) -> bytes:
    told = json.loads(report.taken_text(taken(folder), folder))
    told["taken"].update(values)
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    "values",
    [
        {"read": -1},
        {"read": True},
        {"read": "5"},
        {"quarantined": 2},
        {"content_hash": "../../etc/passwd"},
        {"codes": {"truncated": -3}},
        {"notes": [7]},
        {"control_total": [1, 2, 3]},
        {"more": 1},
        {"staged": [["../../outside.parquet", 9, 2, '{"numRecords": 2}', {}]]},
        {"staged": [["/etc/passwd", 9, 2, '{"numRecords": 2}', {}]]},
        {"staged": [["x/part.parquet", 8, 2, '{"numRecords": 2}', {}]]},
        {"staged": [["x/part.parquet", 9, 3, '{"numRecords": 2}', {}]]},
        {"staged": [["x/part.parquet", 9, 2, "no statistics", {}]]},
        {"staged": [["x/gone.parquet", 9, 2, '{"numRecords": 2}', {}]]},
        {"staged": [["x", 9, 2, '{"numRecords": 2}', {}]]},
        {"staged": {}, "refused": 7},
    ],
)
def test_nonsense_is_refused(tmp_path: Path, values: dict[str, object]) -> None:
    with pytest.raises(report.Nonsense):
        report.read(changed(tmp_path, **values), tmp_path)


def test_a_link_is_no_staged_file(tmp_path: Path) -> None:
    message = report.taken_text(taken(tmp_path), tmp_path).encode()
    part = tmp_path / "x/part.parquet"
    part.rename(tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(report.Nonsense):
        report.read(message, tmp_path)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"taken": {}}',
        b'{"taken": 1, "error": 2}',
        b'{"error": ["SystemExit", "x", "", "", null]}',
        b'{"error": ["LakeError"]}',
        b'{"reason": ["no_such_code", null, "x"]}',
        b'{"reason": ["truncated", 7, "x"]}',
        b"[" * 100_000,
        b"\x80\x04\x95",
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, message: bytes) -> None:
    with pytest.raises(report.Nonsense):
        report.read(message, tmp_path)
