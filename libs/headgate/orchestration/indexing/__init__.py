"""The parts of the light index of contracts: looking, reading, linking, keeping."""
