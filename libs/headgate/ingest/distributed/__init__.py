"""Files read by the tasks of a distributed engine, and their rows judged by its SQL."""
