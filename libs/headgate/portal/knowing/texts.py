"""The words of all contracts, to be searched: an FTS5 index in memory, made once for each change of them."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from headgate.contracts.model import Contract
from headgate.portal.knowing.spelling import Spelling

#: What is searched, and how much more a word counts that stands there.
_FIELDS = {"id": 12.0, "columns": 6.0, "tags": 5.0, "owner": 4.0, "description": 2.0, "about": 1.0}
_WORD = re.compile(r"[^\W_]+")
#: Of what somebody writes so many words count, and so many characters of each.
_MOST_WORDS, _LONGEST = 12, 60
#: Searches of which the answer is kept.
_KEPT = 128


def words(text: str) -> tuple[str, ...]:
    """The words of a text as they are looked for, each once."""
    found = (word[:_LONGEST].lower() for word in _WORD.findall(text[:2000]))
    return tuple(dict.fromkeys(found))[:_MOST_WORDS]


class Texts:
    """Datasets by position (in id order), and which of them have which words."""

    def __init__(self, contracts: Iterable[Contract] = ()) -> None:
        found = [c for c in contracts if c.name.layer != "system"]
        self.ids: tuple[str, ...] = tuple(c.id for c in found)
        self.positions: Mapping[str, int] = {d: n for n, d in enumerate(self.ids)}
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._con = sqlite3.connect(":memory:", check_same_thread=False)
        self._con.execute(
            f"CREATE VIRTUAL TABLE dataset USING fts5({', '.join(_FIELDS)}, content='',"
            " tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')"
        )
        marks = ", ".join("?" * (len(_FIELDS) + 1))
        with self._con:
            self._con.executemany(
                f"INSERT INTO dataset (rowid, {', '.join(_FIELDS)}) VALUES ({marks})",
                ((n, *_texts(c)) for n, c in enumerate(found)),
            )

    def ranked(self, text: str) -> tuple[int, ...]:
        """Positions of the datasets that have every word of ``text``, the best first.

        A dataset of that id or name comes first, then those whose ids have the words, then those
        with such columns, then the others; among equals, those of which the words tell more.
        """
        wanted = words(text)
        plain = text.strip().lower()
        key = (plain, *wanted)
        with self._lock:
            if key not in self._answers:
                while len(self._answers) >= _KEPT:
                    self._answers.pop(next(iter(self._answers)))
                self._answers[key] = self._ranked(wanted, plain)
            return self._answers[key]

    def meant(self, text: str) -> str | None:
        """What somebody may have meant who wrote ``text``, with which nothing is found."""
        found = [word if self._has(word) else self._spelling.nearest(word) for word in words(text)]
        if not found or None in found:
            return None
        meant = " ".join(w for w in found if w)
        return meant if meant != " ".join(words(text)) and self.ranked(meant) else None

    def _ranked(self, wanted: Sequence[str], plain: str) -> tuple[int, ...]:
        if not wanted:
            return ()
        every = " AND ".join(f'"{word}"*' for word in wanted)
        weights = ", ".join(map(str, _FIELDS.values()))
        try:
            found = self._con.execute(
                f"SELECT rowid, bm25(dataset, {weights}) FROM dataset WHERE dataset MATCH ?",
                (every,),
            ).fetchall()
            named = self._matching(f"{{id}} : ({every})")
            with_column = self._matching(f"{{columns}} : ({every})")
        except sqlite3.Error:  # a word of which the engine makes none
            return ()

        def order(row: tuple[int, float]) -> tuple[int, float, int]:
            at, score = row
            own = self.ids[at]
            if own == plain:
                return (0, 0, at)
            if own.rpartition(".")[2] == plain:
                return (1, 0, at)
            return (2 if at in named else 3 if at in with_column else 4, score, at)

        return tuple(at for at, _ in sorted(found, key=order))

    def _matching(self, query: str) -> set[int]:
        found = self._con.execute("SELECT rowid FROM dataset WHERE dataset MATCH ?", (query,))
        return {at for (at,) in found}

    def _has(self, word: str) -> bool:
        return bool(self.ranked(word))

    @cached_property
    def _spelling(self) -> Spelling:
        with self._lock:
            self._con.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(dataset, row)")
            return Spelling(self._con.execute("SELECT term, doc FROM terms").fetchall())


def _texts(contract: Contract) -> Iterator[str]:
    """What is searched of a contract, in the order of the fields."""
    yield contract.id
    yield " ".join(f"{c.name} {c.business_name}" for c in contract.columns)
    yield " ".join((*contract.tags, *{c.classification for c in contract.columns}))
    yield contract.owner
    yield f"{contract.description} {contract.grain}"
    yield " ".join(c.description for c in contract.columns)
