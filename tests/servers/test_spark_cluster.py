"""A cluster of a master and two workers, each a machine of its own: the IRC corpus goes through it.

One worker is killed in the middle; what comes out is what one machine with DuckDB makes of it.
"""

from __future__ import annotations

import gzip
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.core import processes
from headgate.lake.content import content_hash
from headgate.lake.engines import duckdb
from headgate.lake.lake import Lake
from headgate.orchestration.project import Project
from headgate.orchestration.spark_cluster import Cluster, Place
from tests.conftest import REPOSITORY, make_project
from tests.servers.namespaces import Network, network

pytestmark = pytest.mark.servers

BRONZE = "bronze.irc.messages"
#: A cluster of two cores: no two hundred parts of a few rows.
SMALL = """
executor.memory = "700m"
executor.extraJavaOptions = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
driver.extraJavaOptions = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
sql.shuffle.partitions = 2
databricks.delta.snapshotPartitions = 2
"""


def environment(project: Project, **settings: str) -> dict[str, str]:
    told = {"root": str(project.settings.root), **settings}
    told["spark_jars"] = str(REPOSITORY / ".tools/spark/jars")
    return {**os.environ, **{f"HEADGATE_{k.upper()}": v for k, v in told.items()}}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "headgate.cli.main", *arguments]


def deliveries(folder: Path, corpus: Path, lines: int | None, parts: int) -> Path:
    """The corpus cut into files, each of whole lines, with some that no gate lets through."""
    folder.mkdir()
    with gzip.open(corpus, "rt") as source:
        whole = list(itertools.islice(source, lines))
    for number in range(parts):
        part = whole[number::parts]
        part.insert(number * 7, '{"file": 1, "line": "no"}\n')
        (folder / f"part-{number}.jsonl").write_text("".join(part))
    return folder


def hashes(project: Project, datasets: tuple[str, ...]) -> dict[str, str]:
    """The content of each dataset, by our own reading of the Delta log."""
    lake = Lake(project.settings)
    con = duckdb.connect(project.settings)
    found = {}
    for dataset in datasets:
        snapshot = lake.snapshot(dataset)
        found[dataset] = content_hash(con, snapshot) if snapshot else "none"
    con.close()
    return found


def accounts(project: Project) -> str:
    """What became of each file: read, published, quarantined, deduplicated."""
    query = (
        "SELECT content_hash, outcome, read, published, quarantined, deduplicated, refused"
        f" FROM system.ledger.batches WHERE dataset = '{BRONZE}' ORDER BY ALL"
    )
    done = subprocess.run(
        command("sql", "--json", query), env=environment(project), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def machines() -> Iterator[Network]:
    with network(3) as made:
        yield made


@pytest.fixture
def cluster(machines: Network) -> Iterator[Cluster]:
    (master, before), *workers = machines.machines
    port, page = (7077, 8080) if machines.real else (17_077, 18_080)
    with Cluster(
        [Place(host, run) for host, run in workers],
        master=Place(master, before), port=port, page=page, memory="1g",
    ) as started:  # fmt: skip
        yield started


def test_machines_are_apart_where_the_system_allows_it(machines: Network) -> None:
    if os.geteuid() == 0 and os.environ.get("CI") is None:
        assert machines.real, "root may make network namespaces here"
    assert not machines.real or len({host for host, _ in machines.machines}) == 3


def test_a_killed_worker_changes_nothing(
    cluster: Cluster, machines: Network, tmp_path: Path, irc_corpus: Path
) -> None:
    source = deliveries(tmp_path / "in", irc_corpus, 3_000, 3)
    run_both(cluster, machines, tmp_path, source, ["--select", BRONZE])


@pytest.mark.long
def test_the_whole_corpus_goes_through_every_layer(
    cluster: Cluster, machines: Network, tmp_path: Path, irc_corpus: Path
) -> None:
    """The worker is killed once silver is there, so that gold is made without it."""
    source = deliveries(tmp_path / "in", irc_corpus, None, 8)
    found = run_both(cluster, machines, tmp_path, source, [], after="silver")
    assert sum(each != "none" for each in found.values()) >= 10


def run_both(
    cluster: Cluster,
    machines: Network,
    folder: Path,
    source: Path,
    chosen: list[str],
    after: str = "",
) -> dict[str, str]:
    """The same files by DuckDB undisturbed, and by the cluster while a worker is killed: once one of
    its tasks runs, and something of the layer ``after`` was committed. Gives the content of tables."""
    one, many = make_project(folder / "one"), make_project(folder / "many")
    with (folder / "many/headgate.toml").open("a") as toml:
        toml.write(f'[spark]\ndriver.host = "{machines.here}"\n{SMALL}')
    arguments = command("run", "--source", f"{BRONZE}={source}", *chosen)
    done = subprocess.run(arguments, env=environment(one), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    told = environment(many, engine="spark", spark_master=cluster.address, spark_memory="1g")
    running = subprocess.Popen(
        arguments, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        victim = cluster.workers[0]
        layer = many.lake.root / after

        def due() -> bool:
            begun = not after or any(layer.glob("**/_delta_log/*.json"))
            return (begun and works(victim.pid)) or running.poll() is not None

        wait(due, within=1_800.0)
        assert running.poll() is None, "nothing was to be killed any more"
        assert after != "silver" or not any((many.lake.root / "gold").glob("**/*.json"))
        victim.kill()
        said, _ = running.communicate(timeout=3_600)
    finally:
        running.kill()
    assert running.returncode == 0, said
    assert cluster.alive_workers() <= 1 or cluster.workers[0].ended() is not None
    datasets = tuple(c.id for c in one.contracts.values() if not c.id.startswith("system."))
    found = hashes(many, datasets)
    assert found == hashes(one, datasets)
    assert accounts(many) == accounts(one)
    return found


def works(worker: int) -> bool:
    """Whether a task of ours runs on the worker: its executor has started our Python."""
    for pid in processes.descendants(worker):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if b"pyspark" in line and b"daemon" in line:
            return True
    return False


def wait(holds: object, within: float = 300.0) -> None:
    end = time.monotonic() + within
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.05)
