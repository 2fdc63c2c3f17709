"""Whatever a person can type or set is documented, and the pages say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from headgate.cli import reference, show
from headgate.contracts import properties
from headgate.core import failpoints
from headgate.core.settings import documented
from headgate.quality import kinds

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
LIBS = sorted((ROOT / "libs").rglob("*.py"))


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def test_the_reference_says_what_the_code_does() -> None:
    assert reference.stale(REFERENCE) == []


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    for name, text in reference.pages().items():
        (tmp_path / name).write_text(text)
    assert reference.stale(tmp_path) == []
    (tmp_path / "settings.md").write_text(page("settings.md").replace("memory", "memories"))
    (tmp_path / "commands.md").unlink()
    assert {p.name for p in reference.stale(tmp_path)} == {"settings.md", "commands.md"}


@pytest.mark.parametrize(("name", "command"), list(reference.commands()), ids=lambda v: str(v))
def test_every_command_explains_itself(name: str, command: object) -> None:
    assert f"## `{name}`" in page("commands.md")
    assert len(getattr(command, "help", "") or "") > 20, "no help"
    epilog = getattr(command, "epilog", "") or ""
    assert epilog.startswith("Example: headgate "), "no example"
    for param in getattr(command, "params", ()):
        if param.name != "help":
            assert param.help, f"{name} {param.name} is not explained"
            flag = param.param_type_name == "option" and param.is_flag
            assert flag or param.metavar or param.param_type_name == "argument"


def test_every_setting_is_documented() -> None:
    for key, variable, _, meaning in documented():
        assert len(meaning) > 10
        assert f"| `{key}` | `{variable}` |" in page("settings.md")


def test_every_environment_variable_is_documented() -> None:
    named = {v for p in LIBS for v in re.findall(r"HEADGATE_[A-Z_]*[A-Z]", p.read_text("utf-8"))}
    pages = "".join(page(p.name) for p in REFERENCE.glob("*.md"))
    assert {v for v in named if v not in pages} == set()


def test_every_rule_kind_is_documented() -> None:
    assert len(kinds.REGISTRY) >= 16
    for name in kinds.REGISTRY:
        assert f"| `{name}` |" in page("rule-kinds.md")


def test_every_failpoint_is_documented_and_reached() -> None:
    text = "".join(p.read_text("utf-8") for p in LIBS)
    reached = set(re.findall(r'failpoints\.reach\(\s*"([^"]+)"', text))
    assert reached == {*failpoints.NAMES, *failpoints.MAINTENANCE}
    for name in (*failpoints.NAMES, *failpoints.MAINTENANCE):
        assert f"| `{name}` |" in page("failpoints.md")


def test_every_custom_property_that_is_read_is_documented() -> None:
    known = {p.name for p in properties.PROPERTIES}
    room = sorted((ROOT / "libs/headgate/contracts").glob("*.py"))
    text = "".join(path.read_text("utf-8") for path in room)
    read = set(re.findall(r'props(?:\.get\(|\[)"(\w+)"', text))
    read |= set(re.findall(r'custom\(\w+\)\.get\("(\w+)"', text))
    assert {"source", "maxQuarantineShare", "missingParent"} <= read
    assert read <= known
    for name in known:
        assert f"| `headgate.{name}` |" in page("contract.md")


def test_everything_that_can_be_shown_is_named_in_the_help() -> None:
    for what in (*show.SUBJECTS, *show.MODEL_SUBJECTS, *show.PROJECT_SUBJECTS):
        assert re.search(rf"\b{what}\b", show.show.__doc__ or ""), what


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_links_lead_somewhere_and_commands_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target
    known = {name for name, _ in reference.commands()}
    groups = {n.rsplit(" ", 1)[0] for n in known}
    alone = {n for n, c in reference.commands() if getattr(c, "invoke_without_command", False)}
    for line in re.findall(r"^\s*headgate (.+)$", text, re.MULTILINE):
        words = line.split()
        while words[0] in ("--lake", "--base"):  # they stand before any command
            words = words[2:]
        assert f"headgate {words[0]}" in known, line
        does_alone = f"headgate {words[0]}" in alone and (not words[1:] or words[1].startswith("-"))
        if f"headgate {words[0]}" in groups and not does_alone:
            assert f"headgate {words[0]} {words[1]}" in known, line
