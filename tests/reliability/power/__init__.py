"""Power cuts: a history of commands on a disk that keeps a journal, and what is left at any point of it."""
