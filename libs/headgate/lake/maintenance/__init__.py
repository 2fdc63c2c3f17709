"""What keeps a lake in order: few files, short logs, and nothing kept that nobody can read."""
