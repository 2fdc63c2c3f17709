"""What a branch would change: in contracts and tables, for whom, and how the next run brings it about."""
