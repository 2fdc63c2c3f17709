"""What gave out is told with its place and what to do, by whichever library it was met."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import duckdb
import polars as pl
import pytest

from headgate.core import resources
from headgate.core.errors import LakeError, ResourceError
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened


def told(error: BaseException, place: str = "/lake") -> ResourceError:
    found = resources.of(error, place)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free some space"), (errno.EDQUOT, "raise the quota"),
        (errno.EROFS, "writable"), (errno.EIO, "Look at the disk"), (errno.EMFILE, "ulimit -n"),
        (errno.EACCES, "permission"), (errno.ENOTEMPTY, "See to it"),
    ],
)  # fmt: skip
def test_an_error_of_the_system(number: int, remedy: str) -> None:
    found = told(OSError(number, os.strerror(number), "/lake/a"))

    assert str(found).startswith(f"/lake/a: {os.strerror(number)}.")
    assert remedy in found.remedy
    assert "run again" in found.remedy
    assert found.everywhere and found.exit_code == 1


def test_an_error_that_names_no_file_is_told_of_where_it_was_met() -> None:
    assert told(OSError(errno.EIO, "Input/output error"), "/lake").place == "/lake"
    renamed = OSError(errno.ENOSPC, "No space left on device", "/a", None, "/b")
    assert told(renamed).place == "/b"


def test_memory_that_python_misses() -> None:
    assert "HEADGATE_MEMORY_LIMIT" in told(MemoryError()).remedy
    assert "ulimit -u" in told(RuntimeError("can't start new thread")).remedy


def test_what_the_engine_meets(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '1MB'; SET max_temp_directory_size = '0KB'")
        with pytest.raises(duckdb.OutOfMemoryException) as raised:
            con.execute("SELECT count(DISTINCT a::VARCHAR) FROM range(10_000_000) t(a)")
    found = told(raised.value)
    assert "HEADGATE_MEMORY_LIMIT" in found.remedy
    assert not found.everywhere, "another model may do with less"

    full = duckdb.IOException(
        'IO Error: Could not write to "/lake/x.parquet": No space left on device'
    )
    assert told(full).place == "/lake/x.parquet"
    assert "Free some space" in told(full).remedy
    late = duckdb.TransactionException(
        "TransactionContext Error: Failed to commit: Could not write file "
        '"/lake/.catalog.duckdb.wal": Input/output error'
    )
    assert told(late).place == "/lake/.catalog.duckdb.wal"
    assert "Look at the disk" in told(late).remedy


def test_what_libraries_of_another_language_meet() -> None:
    from deltalake.exceptions import DeltaError

    found = told(DeltaError("Generic LocalFileSystem error: Unable to open file (os error 24)"))
    assert "ulimit -n" in found.remedy
    none = told(
        DeltaError("OS can't spawn worker thread: Resource temporarily unavailable (os error 11)")
    )
    assert "Free some memory" in none.remedy and "ulimit -u" in none.remedy


def test_a_disk_that_gives_out_while_a_frame_is_written() -> None:
    """The end of a Parquet file is written by a library that keeps the system's word to itself."""
    frame = pl.LazyFrame({f"c{n}": [n] for n in range(2_000)})
    with pytest.raises(pl.exceptions.ComputeError) as raised:
        frame.sink_parquet("/dev/full")

    found = told(raised.value)
    assert "no space left on device" in str(found)
    assert "quota" in found.remedy
    assert found.everywhere


def test_a_panic_of_such_a_library() -> None:
    """It is no Exception, so that only who asks for it catches it."""
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    raised = panic('Failed to create a runtime: Os { code: 24, kind: Uncategorized, message: "…" }')

    with pytest.raises(ResourceError, match="ulimit -n"), resources.told("/lake"):
        raise raised
    with pytest.raises(KeyboardInterrupt), resources.told("/lake"):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "error", [ValueError("No space left on device"), LakeError("the log cannot be read"),
              duckdb.BinderException("Binder Error: no such column")]
)  # fmt: skip
def test_other_errors_are_none_of_its(error: Exception) -> None:
    assert resources.of(error) is None
    with pytest.raises(type(error)), resources.told("/lake"):
        raise error


def test_a_run_raises_it_and_the_next_one_looks_again(project: Project) -> None:
    with pytest.raises(ResourceError, match="Input/output"), opened(project, "try"):
        raise OSError(errno.EIO, "Input/output error")

    lock = project.lake.root / "_locks" / "run.lock"
    assert lock.stat().st_size, "the lock says that the last run did not end well"
    again = Project(project.settings)
    with opened(again, "try"):
        pass
    assert not lock.stat().st_size
