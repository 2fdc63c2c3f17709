"""The `headgate` command: one module a command or group; everything heavy is imported when used."""
