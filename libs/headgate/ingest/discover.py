"""From the paths a user gives to the files to take: a file, a folder or a glob, in stable order."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fnmatch import translate
from pathlib import Path

from headgate.contracts.model import DATE
from headgate.core.errors import UsageError
from headgate.core.secrets import redact
from headgate.ingest.plainfile import content_hash, special
from headgate.ingest.readers.base import SourceFile, formats

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_ANY_DATE = "-".join("[0-9]" * n for n in (4, 2, 2))


def discover(paths: Sequence[str | Path], *, format: str | None = None) -> list[SourceFile]:
    """The files that ``paths`` mean, each once, in the order of the paths and sorted within one.

    A path is a file (taken whatever its name), a folder (searched through all levels for the
    extensions of ``format``, or of every format, plain or compressed) or a glob (``**`` crosses
    folders). Hidden files and folders are passed over in folders. A file's name is its path below
    the folder given, or its file name. A pipe, socket or device of such a name is found as well, so
    that it is told of; whoever opens it refuses it.

    Raises:
        UsageError: a path matches nothing, or leads out of its folder through a symbolic link.
    """
    found: dict[Path, SourceFile] = {}
    for given in paths:
        matched = list(matches(str(given), endings(format)))
        if not matched:
            raise UsageError(
                f"{str(given)!r} matches no file.",
                remedy="Give a file, a folder or a glob; in folders these names are looked for: "
                f"{', '.join('*' + e for e in endings(format))}.",
            )
        for path, name in matched:
            found.setdefault(path.resolve(), _source(path, name))
    return list(found.values())


def dated(
    template: str, *, format: str | None = None, dates: Iterable[date] | None = None
) -> dict[date, list[SourceFile]]:
    """The files of a path with ``{date}`` in it, by date: of the given dates, or of all there are.

    Where it means a folder, that is searched as :func:`discover` does. A file's name is its path
    below the first part that a date or wildcard is in. A date without files is left out.

    Raises:
        UsageError: a file leads out of its folder through a symbolic link.
    """
    base = _base(any_date(template))
    found: dict[date, list[SourceFile]] = {}
    for day in sorted(_dates(template) if dates is None else set(dates)):
        taken: dict[Path, SourceFile] = {}
        for place in sorted(glob.glob(template.replace(DATE, day.isoformat()), recursive=True)):
            _stay_inside(Path(place), base)
            for path, _ in matches(place, endings(format)):
                name = path.relative_to(base).as_posix()
                taken.setdefault(path.resolve(), _source(path, name))
        if taken:
            found[day] = list(taken.values())
    return found


def any_date(template: str) -> str:
    """The glob of all dates of a path with ``{date}`` in it."""
    return template.replace(DATE, _ANY_DATE)


def looked_at(template: str) -> tuple[str, ...]:
    """The globs that show every file that a source's path means, and maybe more."""
    if DATE not in template:
        return (template,)
    return (any_date(template), f"{any_date(template)}/**")


def _dates(template: str) -> Iterator[date]:
    """The dates for which something stands there; what only looks like a date is none."""
    parts = Path(template).parts
    at = next(i for i, part in enumerate(parts) if DATE in part)
    at = at - len(parts) if "**" in parts[:at] else at  # ``**`` stands for any number of parts
    named = translate(parts[at].replace(DATE, "\0", 1).replace(DATE, "*"))
    pattern = re.compile(named.replace(re.escape("\0"), r"(\d{4}-\d\d-\d\d)"))
    for place in glob.iglob(any_date(template), recursive=True):
        hit = pattern.match(Path(place).parts[at])
        try:
            yield date.fromisoformat(hit[1] if hit else "")
        except ValueError:
            continue


def was_taken(source: SourceFile, known: Mapping[str, tuple[str, int]]) -> bool:
    """Whether this content was taken, by any name; read only if a file of its size was."""
    if all(size != source.size for _, size in known.values()) or special(source.path):
        return False
    return content_hash(source.path, source.name)[0] in known


def endings(format: str | None) -> tuple[str, ...]:
    """What names of files of a format end in, compressed or not; of every format, without one."""
    known = formats()
    own = known.get(format, ()) if format else tuple(e for es in known.values() for e in es)
    return tuple(e + c for e in own for c in ("", *COMPRESSIONS))


def matches(given: str, endings: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """The files that a path, folder or glob means, each with its name.

    Raises:
        UsageError: it leads out of its folder through a symbolic link.
    """
    path = Path(given)
    if path.is_dir():
        for item in sorted(path.rglob("*")):
            inside = item.relative_to(path)
            hidden = any(part.startswith(".") for part in inside.parts)
            if not hidden and item.name.lower().endswith(endings) and _is_source(item):
                _stay_inside(item, path)
                yield item, inside.as_posix()
    elif path.exists():
        yield path, path.name
    elif glob.has_magic(given):
        base = _base(given)
        for match in sorted(glob.glob(given, recursive=True)):
            item = Path(match)
            if _is_source(item):
                _stay_inside(item, base)
                yield item, item.relative_to(base).as_posix()


def _is_source(path: Path) -> bool:
    """Whether something stands there that is no folder."""
    return path.exists() and not path.is_dir()


def _base(pattern: str) -> Path:
    """The folder that a glob starts from: its parts before the first wildcard."""
    parts = Path(pattern).parts
    plain = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:plain])


def _stay_inside(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UsageError(
            f"{path} is a symbolic link that leaves {folder}.",
            remedy="Give the file it points to by its own path, or remove the link.",
        )


def _source(path: Path, name: str) -> SourceFile:
    return SourceFile(
        path, redact(name), path.stat().st_size, COMPRESSIONS.get(path.suffix.lower(), "none")
    )
