"""Contracts as files: plain ones, of a contract's size, that stand where they are looked for."""

from __future__ import annotations

import stat
from pathlib import Path

from headgate.core.errors import ContractError

#: What a contract's file is called.
FILE_NAME = "contract.odcs.yaml"
#: Bytes that the longest contract has.
LONGEST = 1 << 21


def stay_inside(path: Path, folder: Path) -> None:
    """Demand that no link leads out of the folder of contracts: what is read there is reviewed there.

    Raises:
        ContractError: one does, or leads nowhere.
    """
    if path.is_symlink() and not (
        path.exists() and path.resolve().is_relative_to(folder.resolve())
    ):
        raise ContractError(
            f"it is a symbolic link that leaves {folder}, or leads nowhere.",
            remedy="Put the contract itself there.",
            place=str(path),
        )


def text_of(path: Path) -> str:
    """What the file holds.

    Raises:
        ContractError: it is no plain file, or longer than any contract, or not UTF-8.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > LONGEST:
        what = "no plain file" if found.st_size <= LONGEST else f"longer than {LONGEST:,} bytes"
        raise ContractError(
            f"it is {what}.", remedy="Put the contract's YAML there.", place=str(path)
        )
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(f"not UTF-8: {error}.", place=str(path)) from None
