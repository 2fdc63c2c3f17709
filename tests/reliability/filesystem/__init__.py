"""A file system of the tests' own: it keeps a journal of what is written and synced, and fails when told to."""

from tests.reliability.filesystem.faults import Faults
from tests.reliability.filesystem.mounting import Mounted, mounted

__all__ = ["Faults", "Mounted", "mounted"]
