"""`headgate spark`: Spark for this project: a cluster here, configuration elsewhere, jobs with lineage."""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

import typer

from headgate.cli import output

EXAMPLE = "Example: headgate spark up --workers 2"
app = typer.Typer(no_args_is_help=True, epilog=EXAMPLE)


@app.callback()
def _spark() -> None:
    """Spark for this project: a cluster on this machine, configuration for others, jobs with lineage."""


@app.command("up", epilog=EXAMPLE)
def up(
    workers: int = typer.Option(2, "--workers", min=1, max=64, metavar="N", help="How many."),
    cores: int = typer.Option(1, "--cores", min=1, metavar="N", help="What each worker lends."),
    memory: str = typer.Option("1g", "--memory", metavar="SIZE", help="What each worker lends."),
    port: int = typer.Option(
        7077, "--port", min=1, max=65_535, metavar="N", help="Where the master listens."
    ),
    page: int = typer.Option(
        8080, "--page", min=1, max=65_535, metavar="N", help="Where the master's page is shown."
    ),
    connect: bool = typer.Option(False, "--connect", help="With a Spark Connect server."),
    connect_port: int = typer.Option(
        15_002,
        "--connect-port",
        min=1,
        max=65_535,
        metavar="N",
        help="Where the Spark Connect server listens.",
    ),
) -> int:
    """Start a standalone cluster on this machine, for this machine alone, until Ctrl-C or SIGTERM.

    Then all of it is stopped and nothing is left. It ends as a whole where one of its parts ends.
    """
    from headgate.core import clock, processes, settings
    from headgate.lake.engines.spark import configuration
    from headgate.orchestration.spark_cluster import Cluster, Place

    found = settings.load()
    told = configuration.of_driver(found) if connect else None
    processes.adopt()
    # A shell that starts it in the background has it ignore SIGINT.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _leave)
    cluster = Cluster(
        [Place()] * workers, port=port, page=page, cores=cores, memory=memory, connect=told,
        connect_port=connect_port,
    )  # fmt: skip
    code = 0
    try:
        output.say("Starting Spark; this takes up to a minute.")
        cluster.start()
        _tell(cluster.address, cluster.remote, cluster.page)
        while (gone := cluster.dead()) is None:
            clock.sleep(0.5)
        output.say(f"headgate: {gone.name} ended, so all is stopped: {gone.why()}")
        code = 1
    except KeyboardInterrupt:
        output.say("Stopping Spark.")
    finally:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        cluster.stop()
        processes.end_descendants()
    output.say("Spark is stopped.")
    return code


def _tell(address: str, remote: str, page: str) -> None:
    output.out(f"Spark is ready: {address}   its page: {page}")
    output.out(f"Use it: HEADGATE_ENGINE=spark HEADGATE_SPARK_MASTER={address} headgate run")
    if remote:
        output.out(f"By Connect: HEADGATE_ENGINE=spark HEADGATE_SPARK_REMOTE={remote} headgate run")
    output.out("Ctrl-C stops it.")
    sys.stdout.flush()  # who started it waits for the address


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@app.command(
    "submit",
    epilog="Example: headgate spark submit jobs/enrich.py 2026-01-01",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def submit(
    context: typer.Context,
    script: Path = typer.Argument(
        ..., metavar="SCRIPT", help="A Python script; its arguments follow."
    ),
    name: str = typer.Option(
        "", "--name", metavar="JOB", help="What lineage calls it; the script's name otherwise."
    ),
) -> int:
    """Run a script of yours on Spark, and tell lineage what it read and wrote, and how it ended.

    `SparkSession.builder.getOrCreate()` in the script is a session with Delta on the configured Spark.
    Options of the script stand after `--`.
    """
    from headgate.core import settings
    from headgate.core.errors import HeadgateError
    from headgate.orchestration import spark_jobs

    try:
        spark_jobs.submit(script, context.args, name or script.stem, settings.load())
    except HeadgateError:
        raise
    except SystemExit as leave:
        if leave.code is not None and not isinstance(leave.code, int):
            output.say(str(leave.code))
            return 1
        return leave.code or 0
    except Exception:
        # It is the script's own, and so is its trace.
        output.say(traceback.format_exc().rstrip("\n"))
        return 1
    return 0


@app.command("config", epilog="Example: headgate spark config --for yarn --output conf/")
def config(
    kind: str = typer.Option(
        ..., "--for", metavar="KIND", help="Which Spark: standalone, yarn or kubernetes."
    ),
    folder: Path | None = typer.Option(
        None, "--output", metavar="DIR", help="Write the files there; they are printed otherwise."
    ),
    lineage: str = typer.Option(
        "", "--lineage", metavar="URL", help="Have Spark's listener post to this lineage server."
    ),
    image: str = typer.Option("", "--image", metavar="IMAGE", help="What Kubernetes runs."),
    check: bool = typer.Option(
        True, "--check/--no-check", help="Ask this Spark whether it knows every entry."
    ),
) -> int:
    """Write the configuration for a Spark elsewhere: entries, how to submit, and pods.

    Each entry is held against what this Spark knows, each pod against Kubernetes' own client. Exits 1
    if they do not know something.
    """
    from headgate.core import settings
    from headgate.orchestration import spark_config

    found = spark_config.render(settings.load(), kind, lineage=lineage, image=image)
    wrong: list[str] = []
    if check:
        from headgate.lake.engines.spark import known

        wrong = known.problems(found.entries)
        for name, pod in found.pods.items():
            wrong += [f"{name}: {told}" for told in known.pod_problems(found.files[name], pod)]
    for name, text in found.files.items():
        if folder is None:
            output.out(f"# --- {name}\n{text}")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
            output.out(output.near(folder / name))
    if folder is not None:
        (folder / "submit.sh").chmod(0o755)
    for one in wrong:
        output.say(f"headgate: {one}")
    return 1 if wrong else 0
