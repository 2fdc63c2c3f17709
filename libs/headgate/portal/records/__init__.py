"""What people put on record: sign-offs, exceptions, and the log of who saw and did what."""
