"""Taking a stream beside runs: the loop, what it writes down, what it tidies up, what it tells."""
