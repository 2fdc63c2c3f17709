"""The `headgate` command itself: its groups, its exit codes, and how an error reaches a person.

0: everything was published. 1: something was refused, or the lake is not as it must be.
2: the command, a setting or a contract is wrong.
"""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType

import typer

from headgate.cli import (
    airflow,
    audit,
    backfill,
    check,
    dbt,
    demo,
    diff,
    docs,
    fsck,
    impact,
    lake,
    lineage,
    live,
    maintain,
    new,
    plan,
    portal,
    preview,
    quarantine,
    rebuild,
    release,
    run,
    show,
    simulate,
    spark,
    sql,
    status,
    stream,
    why,
)
from headgate.cli.output import say
from headgate.core import resources
from headgate.core.errors import HeadgateError

app = typer.Typer(
    name="headgate",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Example: headgate run --source bronze.irc.messages=demo_data/day.jsonl",
)
app.command("run", epilog=run.EXAMPLE)(run.run)
app.command("backfill", epilog=backfill.EXAMPLE)(backfill.backfill)
app.command("stream", epilog=stream.EXAMPLE)(stream.stream)
app.command("status", epilog=status.EXAMPLE)(status.status)
app.command("sql", epilog=sql.EXAMPLE)(sql.sql)
app.command("preview", epilog=preview.EXAMPLE)(preview.preview)
app.command("show", epilog=show.EXAMPLE)(show.show)
app.command("docs", epilog=docs.EXAMPLE)(docs.docs)
app.command("check", epilog=check.EXAMPLE)(check.check)
app.command("diff", epilog=diff.EXAMPLE)(diff.diff)
app.command("plan", epilog=plan.EXAMPLE)(plan.plan)
app.command("impact", epilog=impact.EXAMPLE)(impact.impact)
app.command("audit", epilog=audit.EXAMPLE)(audit.audit)
app.command("maintain", epilog=maintain.EXAMPLE)(maintain.maintain)
app.command("rebuild", epilog=rebuild.EXAMPLE)(rebuild.rebuild)
app.command("fsck", epilog=fsck.EXAMPLE)(fsck.fsck)
app.command("why", epilog=why.EXAMPLE)(why.why)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(release.app, name="release")
app.add_typer(lineage.app, name="lineage")
app.add_typer(live.app, name="live")
app.add_typer(new.app, name="new")
app.add_typer(portal.app, name="portal")
app.add_typer(lake.app, name="lake")
app.add_typer(spark.app, name="spark")
app.command("dbt", epilog=dbt.EXAMPLE, context_settings=dbt.SETTINGS)(dbt.dbt)
app.command("simulate", epilog=simulate.EXAMPLE)(simulate.simulate)
app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("airflow", epilog=airflow.EXAMPLE)(airflow.airflow)


class _State:
    debug = False


@app.callback()
def _headgate(
    debug: bool = typer.Option(
        False, "--debug", envvar="HEADGATE_DEBUG", help="Show the stack trace of an error."
    ),
    in_lake: str = typer.Option(
        "main",
        "--lake",
        metavar="LAKE",
        help="The lake to work in: a private one by its name, a path, or main, the project's own.",
    ),
    base: str | None = typer.Option(
        None,
        "--base",
        metavar="LAKE[@RELEASE]",
        help="Where the private lake is new, begin as this lake's (newest) release, without copying.",
    ),
) -> None:
    """A lakehouse whose every table has a contract, and whose contract is the gate.

    Exit codes: 0 all published, 1 something refused, 2 used wrongly.
    """
    _State.debug = debug
    lake.choose(in_lake, base)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; whatever goes wrong is told in one sentence."""
    try:
        code = app(args=list(arguments), prog_name="headgate", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted: what was committed stays, the rest is not visible. Run it again.")
        return 1
    except SystemExit:
        # The parser leaves so, and only so, when whoever read our output had enough (`| head`).
        return 0
    except HeadgateError as error:
        if _State.debug:
            raise
        say(f"headgate: {error}")
        return error.exit_code
    except typer.TyperException as wrong:
        # A wrong command line; the parser's own error prints the usage with it.
        if hasattr(wrong, "show"):
            said = io.StringIO()
            wrong.show(file=said)
            say(said.getvalue().rstrip("\n"))
        else:
            say(f"headgate: {wrong}")
        return 2
    except BaseException as error:  # a panic of a library in Rust is no Exception
        if _State.debug:
            raise
        gave_out = resources.of(error)
        if gave_out is not None:
            say(f"headgate: {gave_out}")
            return gave_out.exit_code
        first = (str(error).splitlines() or [""])[0]
        say(
            f"headgate: unexpected {type(error).__name__}: {first} "
            "This is a defect of Headgate; set HEADGATE_DEBUG=1 to see where."
        )
        return 1


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ``--debug`` shows: the whole trace, of which each line may quote a secret."""
    say("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"))


def main() -> None:
    """The console script."""
    sys.excepthook = _tell
    sys.exit(invoke(sys.argv[1:]))


if __name__ == "__main__":
    main()
