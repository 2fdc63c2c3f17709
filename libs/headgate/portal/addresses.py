"""The address of everything that has a page: one place, so that a link that is kept stays true."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def dataset(name: str) -> str:
    """A dataset, by its id."""
    return f"/datasets/{quote(name, safe='')}"


def column(name: str, of: str) -> str:
    """A column of a dataset."""
    return f"{dataset(name)}/columns/{quote(of, safe='')}"


def contract(name: str, against: str | None = None) -> str:
    """A dataset's contract and its history; ``against`` is the version that it is compared with."""
    return f"{dataset(name)}/contract{_asked(against=against)}"


def batches(name: str) -> str:
    """The batches of a dataset, each with its account and verdict."""
    return f"{dataset(name)}/batches"


def batch(name: str, number: str) -> str:
    """One batch of a dataset."""
    return f"{batches(name)}/{quote(number, safe='')}"


def quarantine(name: str, *, state: str | None = None) -> str:
    """The refused rows of a dataset."""
    return f"{dataset(name)}/quarantine{_asked(state=state)}"


def replay(name: str, number: str) -> str:
    """How a replay of refused rows goes, or went."""
    return f"{quarantine(name)}/replays/{quote(number, safe='')}"


def code(name: str, of: str | None = None) -> str:
    """The code that made a dataset's rows, as it was compiled; ``of`` is its hash."""
    return f"{dataset(name)}/code{_asked(of=of)}"


def examples(name: str) -> str:
    """Rows of a dataset, to see what it is like."""
    return f"{dataset(name)}/examples"


def graph(
    name: str, of: str | None = None, *, as_of: str | None = None, direction: str | None = None
) -> str:
    """The lineage of a dataset, or of one of its columns."""
    return f"/lineage{_asked(dataset=name, column=of, direction=direction, as_of=as_of)}"


def run(number: str) -> str:
    """A run."""
    return f"/runs/{quote(number, safe='')}"


def release(number: int) -> str:
    """A release."""
    return f"/releases/{number}"


def evidence(number: int) -> str:
    """The evidence pack of a release."""
    return f"{release(number)}/evidence.zip"


def owner(name: str) -> str:
    """What somebody owns, and how it does."""
    return f"/quality/owners/{quote(name, safe='')}"


def domain(name: str) -> str:
    """The quality report of a domain."""
    return f"/quality/domains/{quote(name, safe='')}"


def exceptions(name: str) -> str:
    """The exceptions to rules of a dataset, those that ended too."""
    return f"/quality/exceptions{_asked(dataset=name)}"


def data_docs(name: str = "", number: str = "") -> str:
    """Great Expectations' Data Docs: of all datasets, of one, or of a batch of it."""
    page = f"{quote(number, safe='') or 'index'}.html"
    return f"/quality/data-docs/{quote(name, safe='')}/{page}" if name else "/quality/data-docs/"


def catalogue(**filters: str | None) -> str:
    """The catalogue, filtered: ``q``, ``layer``, ``domain``, ``owner``, ``classification``, ``tag``, ``health``."""
    return f"/catalogue{_asked(**filters)}"


def _asked(**given: str | None) -> str:
    told = {k: v for k, v in given.items() if v}
    return f"?{urlencode(told)}" if told else ""
