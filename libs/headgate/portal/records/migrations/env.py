"""What Alembic runs: the steps, on the connection that is given, in its transaction."""

from __future__ import annotations

from alembic import context

if hasattr(context, "config"):  # only while Alembic runs it, and not where it is just imported
    context.configure(
        connection=context.config.attributes["connection"],
        render_as_batch=True,
        version_table="portal_edition",
    )
    context.run_migrations()
