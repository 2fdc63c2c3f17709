"""What the portal tells of one dataset: frozen answers, each from one place of truth."""
