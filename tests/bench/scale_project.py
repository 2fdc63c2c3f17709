"""Makes a project of many models, as a real one has them: sources, five layers, a contract each."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Every table has these columns, so that any model can be made from any other.
COLUMNS = {
    "row_id": "string", "day": "date", "account_id": "integer", "product_id": "integer",
    "country": "string", "status": "string", "quantity": "integer", "cents": "integer",
    "score": "number", "updated_at": "timestamp",
}  # fmt: skip
_DUCKDB = {"integer": "BIGINT", "date": "DATE", "timestamp": "TIMESTAMPTZ", "number": "DOUBLE"}
#: Share of the models in each layer: cleaned, joined, windowed and aggregated, marts, reports.
_LAYERS = (("clean", 0.25), ("joined", 0.25), ("shaped", 0.20), ("mart", 0.20), ("report", 0.10))
_FOLDERS = {"clean": "intermediate", "joined": "intermediate", "shaped": "intermediate",
            "mart": "marts", "report": "marts"}  # fmt: skip
_DAYS = 30
#: Of the models that can follow the days that changed, so many do: about half of all.
_INCREMENTAL = 0.6


@dataclass(frozen=True)
class Model:
    """One model: what kind of SQL it is, the models (or the source) that it reads, and whether it
    recomputes only the days that changed."""

    name: str
    dataset: str
    layer: str
    kind: str
    reads: tuple[Model, ...] = ()
    source: str = ""
    incremental: bool = False


@dataclass(frozen=True)
class Scaled:
    """A generated project: its folder, its sources' datasets, and its models in build order."""

    root: Path
    sources: tuple[str, ...]
    models: tuple[Model, ...] = field(repr=False)

    def readers(self, model: Model) -> set[str]:
        """The models that are made from it, near and far."""
        found = {model.name}
        for one in self.models:
            if any(r.name in found for r in one.reads):
                found.add(one.name)
        return found - {model.name}


def generate(root: Path, models: int, *, rows: int = 300, seed: int = 7) -> Scaled:
    """A project of so many models at ``root``, with a tenth as many sources of ``rows`` rows."""
    chance = random.Random(seed)
    shutil.rmtree(root, ignore_errors=True)
    repository = HERE.parent.parent
    copy_dbt(root)
    (root / "dbt_project" / "tests").mkdir()
    _copy(repository / "data_contracts" / "ledger", root / "data_contracts" / "ledger")
    (root / "headgate.toml").write_text('lake = "lake"\n')
    domains = [f"d{i:02d}" for i in range(max(2, models // 25))]
    sources = _sources(root, max(2, models // 10), domains, rows, seed)
    made: list[Model] = []
    for layer, share in _LAYERS:
        below = [m for m in made if m.layer != layer]
        for number in range(round(models * share)):
            made.append(_model(layer, number, domains, sources, below, chance))
    for one in made:
        _write_model(root, one)
    return Scaled(root, tuple(sources), tuple(made))


def copy_dbt(root: Path) -> None:
    """What every dbt project of ours has besides its models."""
    for part in ("macros", "profiles.yml", "dbt_project.yml"):
        _copy(HERE.parent.parent / "dbt_project" / part, root / "dbt_project" / part)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _model(
    layer: str,
    number: int,
    domains: Sequence[str],
    sources: Sequence[str],
    below: Sequence[Model],
    chance: random.Random,
) -> Model:
    domain = domains[number % len(domains)]
    name = f"{layer}_{number:04d}"
    if layer == "clean":
        source = sources[number % len(sources)]
        return Model(f"int_{domain}__{name}", f"silver.{domain}.{name}", layer, layer,
                     source=source, incremental=chance.random() < _INCREMENTAL)  # fmt: skip
    near = [m for m in below if m.layer == below[-1].layer]
    kinds = {
        "joined": ("enriched", "enriched", "union"),
        "shaped": ("windowed", "ranked", "totals"),
        "mart": ("daily", "enriched", "totals", "union"),
        "report": ("daily", "totals"),
    }[layer]
    kind = chance.choice(kinds)
    many = {"enriched": chance.choice((2, 2, 3, 4)), "union": 2}.get(kind, 1)
    reads = list(dict.fromkeys(chance.choice(near if i == 0 else below) for i in range(many)))
    if len(reads) == 1 and many > 1:
        kind = "windowed"
    follows = kind != "totals" and chance.random() < _INCREMENTAL
    if layer in ("mart", "report"):
        return Model(name, f"gold.{domain}.{name}", layer, kind, tuple(reads), "", follows)
    full = f"int_{domain}__{name}"
    return Model(full, f"silver.{domain}.{name}", layer, kind, tuple(reads), "", follows)


def sql(model: Model, *, plain: bool = False) -> str:
    """The model's SQL; ``plain`` is without what only Headgate knows (``changed()``)."""
    if model.kind == "clean":
        text = _SQL["clean"].replace("{a}", f"{{{{ ref('stg_{_flat(model.source)}') }}}}")
        return _finished(model, text, [model.source], plain)
    text = _enriched(model) if model.kind == "enriched" else _SQL[model.kind]
    for letter, read in zip("ab", model.reads, strict=False):
        text = text.replace(f"{{{letter}}}", f"{{{{ ref('{read.name}') }}}}")
    return _finished(model, text, [r.dataset for r in model.reads], plain)


def _finished(model: Model, text: str, reads: Sequence[str], plain: bool) -> str:
    if plain or not model.incremental:
        return text.replace("{where}", "").replace("{and}", "")
    scope = " union ".join(f"select day from {{{{ changed('{d}', 'day') }}}}" for d in reads)
    guard = f"{{% if is_incremental() %}} {{}} day in ({scope}) {{% endif %}}"
    return text.replace("{where}", guard.replace("{}", "where")).replace(
        "{and}", guard.replace("{}", "and")
    )


def staging_sql(source: str) -> str:
    """A private model: a source's columns, renamed and typed."""
    layer, domain, name = source.split(".")
    return (
        f"-- {source} as it is read.\nselect\n    row_id, day, account_id, product_id,\n"
        "    upper(country) as country, status, quantity, cents,\n    score, updated_at\n"
        f"from {{{{ source('{layer}_{domain}', '{name}') }}}}\n"
    )


def _enriched(model: Model) -> str:
    lines = [f"with base as (select * from {{{{ ref('{model.reads[0].name}') }}}} {{where}})"]
    joins, scores = [], ["base.score"]
    for number, read in enumerate(model.reads[1:]):
        lines.append(
            f",\nextra_{number} as (\n    select day, country, sum(quantity) as quantity\n"
            f"    from {{{{ ref('{read.name}') }}}} {{where}}\n    group by day, country\n)"
        )
        joins.append(f"left join extra_{number} using (day, country)")
        scores.append(f"coalesce(extra_{number}.quantity, 0) / 1000.0")
    lines.append(
        "\nselect\n    base.row_id, base.day, base.account_id, base.product_id, base.country,\n"
        "    base.status, base.quantity, base.cents,\n"
        f"    {' + '.join(scores)} as score, base.updated_at\nfrom base\n" + "\n".join(joins) + "\n"
    )
    return "".join(lines)


_SQL = {
    "clean": """select
    row_id, day, account_id, product_id, country,
    case when status = 'x' then 'unknown' else lower(status) end as status,
    greatest(quantity, 0) as quantity, cents, coalesce(score, 0) as score, updated_at
from {a}
where quantity is not null {and}
""",
    "union": """with both_of as (
    select 'a:' || row_id as row_id, * exclude (row_id) from {a} where hash(row_id) % 2 = 0 {and}
    union all
    select 'b:' || row_id as row_id, * exclude (row_id) from {b} where hash(row_id) % 2 = 1 {and}
)
select * from both_of
""",
    "windowed": """select
    row_id, day, account_id, product_id, country, status, quantity,
    cast(sum(cents) over (partition by day, country order by row_id) as bigint) as cents,
    coalesce(lag(score) over (partition by day order by row_id), 0) as score, updated_at
from {a} {where}
""",
    "ranked": """select
    row_id, day, account_id, product_id, country, status, quantity, cents, score, updated_at
from {a} {where}
qualify row_number() over (partition by day, country order by cents desc, row_id) <= 5
""",
    "totals": """select
    country || '/' || product_id as row_id, max(day) as day, min(account_id) as account_id,
    product_id, country, min(status) as status,
    cast(sum(quantity) as bigint) as quantity, cast(sum(cents) as bigint) as cents,
    round(avg(score), 6) as score, max(updated_at) as updated_at
from {a}
group by product_id, country
""",
    "daily": """select
    cast(day as varchar) || '/' || country as row_id, day, count(distinct account_id) as account_id,
    count(distinct product_id) as product_id, country, min(status) as status,
    cast(sum(quantity) as bigint) as quantity, cast(sum(cents) as bigint) as cents,
    round(avg(score), 6) as score, max(updated_at) as updated_at
from {a} {where}
group by day, country
""",
}


def _sources(root: Path, many: int, domains: Sequence[str], rows: int, seed: int) -> list[str]:
    import duckdb

    con = duckdb.connect(":memory:")
    con.execute("SET TimeZone = 'UTC'")
    (root / "sources").mkdir()
    found = []
    for number in range(many):
        name = f"source_{number:04d}"
        dataset = f"bronze.{domains[number % len(domains)]}.{name}"
        found.append(dataset)
        path = root / "sources" / f"{name}.parquet"
        con.execute(f"COPY ({_source_rows(rows, seed * 1000 + number)}) TO '{path}'")
        _write_contract(root, dataset, f"{{format: parquet, path: sources/{name}.parquet}}")
        _write(root / "dbt_project/models/staging" / f"stg_{_flat(dataset)}.sql",
               staging_sql(dataset))  # fmt: skip
    return found


def _source_rows(rows: int, seed: int) -> str:
    def pick(salt: int, many: int) -> str:
        return f"(hash(i, {seed}, {salt}) % {many})::BIGINT"

    return f"""SELECT printf('r%06d', i) AS id, DATE '2026-01-01' + {pick(1, _DAYS)}::INT AS day,
        {pick(2, 50)} AS account_id, {pick(3, 20)} AS product_id,
        ['de', 'fr', 'us', 'jp'][1 + {pick(4, 4)}] AS country,
        ['Open', 'Paid', 'x'][1 + {pick(5, 3)}] AS status, {pick(6, 9)} AS quantity,
        {pick(7, 100000)} AS cents, {pick(8, 1000)} / 8.0 AS score,
        TIMESTAMPTZ '2026-01-01' + to_seconds({pick(9, 2_000_000)}) AS updated_at
      FROM range({rows}) t(i)"""


def _flat(dataset: str) -> str:
    return dataset.replace(".", "_")


def _write_model(root: Path, model: Model) -> None:
    folder = root / "dbt_project/models" / _FOLDERS[model.layer] / model.dataset.split(".")[1]
    _write(folder / f"{model.name}.sql", sql(model))
    _write_contract(root, model.dataset, None)


def model_path(root: Path, model: Model) -> Path:
    """The SQL file of a model."""
    folder = root / "dbt_project/models" / _FOLDERS[model.layer] / model.dataset.split(".")[1]
    return folder / f"{model.name}.sql"


def contract_path(root: Path, dataset: str) -> Path:
    """The contract of a dataset."""
    layer, domain, name = dataset.split(".")
    return root / "data_contracts" / domain / f"{layer}_{name}" / "contract.odcs.yaml"


def _write_contract(root: Path, dataset: str, source: str | None) -> None:
    layer, domain, name = dataset.split(".")
    severity = "quarantine" if source else "fail"
    columns = "".join(_column(c, t, severity, bool(source)) for c, t in COLUMNS.items())
    custom = f"  - {{property: headgate.source, value: {source}}}" if source else ""
    if not source:
        custom = "  - {property: headgate.unitOfChange, value: day}"
    text = f"""apiVersion: v3.1.0
kind: DataContract
id: {layer}-{domain}-{name.replace("_", "-")}
name: {dataset}
version: 1.0.0
status: active
domain: {domain}
tags: [scale, {domain}]
description:
  purpose: One of many tables; what it says is made up, what it costs is not.
  usage: Measure with it.
team:
  name: team-{domain}
  description: Owns the tables of {domain}.
schema:
  - name: {name}
    description: Orders, or what is made from them.
    dataGranularityDescription: One row is one order, or one group of orders.
    properties:
{columns}    quality:
      - id: quantity_fits
        type: custom
        engine: headgate
        implementation: quantity <= 1000000 AND account_id >= 0
        severity: {severity}
        dimension: consistency
        description: Nobody orders a million.
      - id: has_rows
        metric: rowCount
        mustBeGreaterThan: 0
        severity: {"fail" if not source else "warn"}
        dimension: completeness
        description: An empty table means that something was lost.
slaProperties:
  - {{property: freshness, value: 24, unit: h}}
  - {{property: retention, value: 365, unit: d}}
customProperties:
{custom}
"""
    _write(contract_path(root, dataset), text)


def _column(name: str, kind: str, severity: str, of_source: bool) -> str:
    lines = [f"      - name: {name}", f"        logicalType: {kind}"]
    if name == "row_id":
        lines += ["        primaryKey: true"]
        lines += ["        physicalName: id"] if of_source else []
    else:
        lines += ["        required: true"]
    lines += ["        classification: internal", f"        description: The {name} of it."]
    if name in ("quantity", "cents", "account_id"):
        lines += ["        logicalTypeOptions: {minimum: 0}"]
    if name == "country":
        lines += ["        logicalTypeOptions: {minLength: 2, maxLength: 2}"]
    lines += [f"        customProperties: [{{property: headgate.severity, value: {severity}}}]"]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
