"""The room of quality: rules as SQL, the gate, its verdicts, and what it sets aside."""
