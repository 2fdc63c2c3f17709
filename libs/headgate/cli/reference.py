"""Pages of docs/reference, written from the code: `python -m headgate.cli.reference` writes them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headgate.cli import reference_http
from headgate.contracts.docs import markdown_table

_NOTE = "<!-- Written from the code by `make docs`; a change here is lost. -->"


def pages() -> dict[str, str]:
    """File name to content of every page."""
    made = {
        "commands.md": _commands(),
        "settings.md": _settings(),
        "rule-kinds.md": _rule_kinds(),
        "contract.md": _contract(),
        "failpoints.md": _failpoints(),
        "fsck.md": _fsck(),
    }
    if find_spec("fastapi") is not None:  # where the server is not installed, its page is as it was
        made["http-api.md"] = reference_http.page()
    return {name: f"{_NOTE}\n\n{text.strip()}\n" for name, text in made.items()}


def stale(folder: Path) -> list[Path]:
    """Pages in ``folder`` that are missing, or not what the code says now."""
    return [
        folder / name
        for name, text in pages().items()
        if not (folder / name).is_file() or (folder / name).read_text("utf-8") != text
    ]


def commands() -> Iterator[tuple[str, Any]]:
    """Every command as its full name and the parser's own object, in order."""
    import typer.main

    from headgate.cli.main import app

    def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        yield name, command
        for child in getattr(command, "commands", {}).values():
            yield from walk(child, f"{name} {child.name}")

    yield from walk(typer.main.get_command(app), "headgate")


def _commands() -> str:
    parts = ["# Commands", "Exit codes: 0 all published, 1 something refused, 2 used wrongly."]
    for name, command in commands():
        text = inspect.cleandoc(command.help or "")
        parts += [f"## `{name}`", text]
        rows = [(f"`{_usage(p)}`", _meaning(p)) for p in command.params if p.name != "help"]
        if rows:
            parts.append(markdown_table(("argument or option", "meaning"), rows))
        example = (command.epilog or "").removeprefix("Example: ")
        if example:
            parts.append(f"```\n{example}\n```")
    return "\n\n".join(parts)


def _usage(param: Any) -> str:
    if param.param_type_name == "argument":
        return str(param.metavar or param.name.upper())
    value = "" if param.is_flag else f" {param.metavar}"
    return ", ".join(param.opts) + value


def _meaning(param: Any) -> str:
    text = param.help or ""
    if param.envvar:
        text += f" Also by {param.envvar}."
    plain = param.default is not None and not callable(param.default) and not param.is_flag
    if param.param_type_name == "option" and plain and param.default not in ([], ()):
        text += f" Default: {param.default}." if not param.required else ""
    return text


def _settings() -> str:
    from headgate.core.settings import documented

    rows = [
        (f"`{key}`", f"`{variable}`", f"`{default}`", meaning)
        for key, variable, default, meaning in documented()
    ]
    return "\n\n".join(
        (
            "# Settings",
            "Settings stand in `headgate.toml` at the project's root; an environment variable "
            "overrides each. `headgate show settings` prints their values here and now. "
            "`HEADGATE_ROOT` names the project when the working folder is not inside it; "
            "`HEADGATE_DEBUG=1` shows the stack trace of an error.",
            markdown_table(("setting", "environment", "default", "meaning"), rows),
        )
    )


def _rule_kinds() -> str:
    from headgate.quality.kinds import REGISTRY

    found = sorted(REGISTRY.values(), key=lambda kind: (kind.scope, kind.name))
    parts = [
        "# Kinds of rules",
        "Each rule of a contract is of one kind. A breach of a row rule is `warn` (recorded), "
        "`quarantine` (the row is set aside; the default) or `fail` (the batch is refused); of a "
        "table rule `warn` or `fail` (the default).",
        markdown_table(
            ("kind", "judges", "holds when"), [(f"`{k.name}`", k.scope, k.doc) for k in found]
        ),
    ]
    for kind in found:
        parts += [f"## `{kind.name}`", f"In a contract:\n\n```\n{kind.odcs.strip()}\n```"]
        if kind.arguments:
            arguments = [(f"`{name}`", meaning) for name, meaning in kind.arguments.items()]
            parts.append(markdown_table(("argument", "meaning"), arguments))
        parts.append(f"Breaks it: `{kind.example}`. Great Expectations: `{kind.expectation}`.")
    return "\n\n".join(parts)


def _contract() -> str:
    from headgate.contracts import types
    from headgate.contracts.properties import PROPERTIES

    rows = [(f"`headgate.{p.name}`", p.level, p.meaning, f"`{p.example}`") for p in PROPERTIES]
    kinds = [(f"`{logical}`", f"`{kind}`") for logical, kind in types.LOGICAL.items()]
    return "\n\n".join(
        (
            "# What a contract may say",
            "A contract is an ODCS v3.1 document with one table in `schema`. Beyond the standard "
            "Headgate demands an owner (`team`), a grain (`dataGranularityDescription`), a primary "
            "key, and for every column a `description` and a `classification`. What ODCS has no "
            "field for are these `customProperties`:",
            markdown_table(("property", "of", "meaning", "example"), rows),
            "## Types",
            "A column's `physicalType` is its type; without one, `logicalType` gives it. Also "
            "`decimal(p,s)`, `integer` (32 bits) and `array<type>`.",
            markdown_table(("logicalType", "type"), kinds),
        )
    )


def _failpoints() -> str:
    from headgate.core import failpoints

    rows = [(f"`{name}`", where) for name, where in failpoints.NAMES.items()]
    more = [(f"`{name}`", where) for name, where in failpoints.MAINTENANCE.items()]
    return "\n\n".join(
        (
            "# Failpoints",
            "Places where a test can kill the process, in the order in which a run passes them: "
            "`HEADGATE_FAILPOINT=name` kills it there, `name:3` the third time.",
            markdown_table(("failpoint", "where"), rows),
            "Those that `headgate maintain` passes besides:",
            markdown_table(("failpoint", "where"), more),
        )
    )


def _fsck() -> str:
    from headgate.orchestration.verifying.verify import CHECKS

    rows = [
        (f"`{c.name}`", c.severity, "--deep" if c.deep else "always", c.promise) for c in CHECKS
    ]
    parts = [
        "# What `headgate fsck` checks",
        "Each check holds one promise. An `error` says that something promised is broken, a `warning` "
        "that something is untidy; `headgate fsck` exits 1 if there is an error. Checks run in this "
        "order: what one found damaged, later ones do not ask.",
        markdown_table(("check", "severity", "when", "promise"), rows),
    ]
    for check in CHECKS:
        parts += [f"## `{check.name}`", check.promise, f"What to do: {check.remedy}"]
        parts.append(
            f"`--repair` {check.repair}." if check.repair else "`--repair` leaves it alone: somebody "
            "has to decide."
        )  # fmt: skip
    return "\n\n".join(parts)


def main() -> int:
    """Write the pages into docs/reference of the project around the working folder."""
    from headgate.cli.output import out
    from headgate.core.settings import find_root

    folder = find_root() / "docs" / "reference"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")
        out(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
