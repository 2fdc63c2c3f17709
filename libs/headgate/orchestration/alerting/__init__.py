"""How an alert reaches somebody, and in which words; :mod:`headgate.orchestration.alerts` is the door."""
