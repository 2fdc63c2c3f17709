"""Evidence packs: what can be shown of one release to somebody who has no access to the platform."""
