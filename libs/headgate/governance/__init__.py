"""The room of governance: reports for people; it reads what the other rooms record and writes nothing of theirs."""
