"""The splitter alone, which governed ingest of a Discord export is held against."""

from __future__ import annotations

import sys
from pathlib import Path

from headgate.contracts.load import load
from headgate.contracts.mapping import mapping
from headgate.ingest.blocks import Blocks
from headgate.ingest.documents.document import Document
from headgate.ingest.readers.base import SourceFile

path, contract = Path(sys.argv[1]), load(Path(sys.argv[2]))
blocks = Blocks(SourceFile(path, path.name, path.stat().st_size))
document = Document(
    blocks.stream(hashed=True), mapping(contract), 1 << 24, lambda text, value: None
)
document.open()
for _ in document.chunks():
    pass
assert document.complete and document.count, document.damage
