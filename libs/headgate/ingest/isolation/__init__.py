"""Files are read in a process of its own, with limits: what a hostile file breaks is that process."""
