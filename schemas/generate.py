"""Writes the generated modules from the .avsc files: `python -m penstock.schemas.generate [--check]`.

`<folder>/records.py`: the types. `<folder>/wire.py`: their Avro form. `bodies.py`: the unions of inputs,
events and facts. `--check` writes nothing, names the files that would change and exits with 1. Needs ruff, which
formats what is written (a development dependency).
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from penstock.schemas.avro import FOLDER, declared, kind, standalone
from penstock.schemas.generate_records import HOW, records_module
from penstock.schemas.generate_wire import wire_module

BODY_IMPORTS: Final = """
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
"""


def main(arguments: Sequence[str]) -> int:
    """Write what changed; with --check only tell. Returns the exit code."""
    check = "--check" in arguments
    stale = 0
    for path, text in sources().items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        print(f"{'stale' if check else 'wrote'} {path.relative_to(FOLDER)}")
        if not check:
            path.write_text(text, "utf-8")
    if stale and check:
        print("run python -m penstock.schemas.generate and commit what it writes")
    return 1 if stale and check else 0


def sources() -> dict[Path, str]:
    """The generated files and their text, as ruff formats it."""
    found = {FOLDER / "bodies.py": bodies_module()}
    for folder in _folders():
        found[FOLDER / folder / "records.py"] = records_module(folder)
        found[FOLDER / folder / "wire.py"] = wire_module(folder)
    return {path: _formatted(path, text) for path, text in found.items()}


def bodies_module() -> str:
    """Source of `bodies.py`: the unions InputBody, EventBody and FactBody, and by full name their classes and wire."""
    return "\n".join(_bodies())


def _bodies() -> Iterator[str]:
    yield f'"""Every input, event and fact. {HOW}\n"""'
    yield BODY_IMPORTS
    holding = sorted({name.split(".")[1] for name in standalone()})
    for folder in holding:
        mine = [name.split(".")[2] for name in standalone() if name.split(".")[1] == folder]
        yield f"from penstock.schemas.{folder} import wire as {folder}_wire"
        yield f"from penstock.schemas.{folder}.records import ({', '.join(sorted(mine))},)"
    for which, alias in (("input", "Input"), ("event", "Event"), ("fact", "Fact")):
        names = [name for name in standalone() if kind(declared()[name]) == which]
        classes = [name.split(".")[2] for name in names]
        yield ""
        yield f"{alias}Body: TypeAlias = ({' | '.join(classes)})"
        pairs = ", ".join(f'"{name}": {short}' for name, short in zip(names, classes, strict=True))
        yield f"{alias.upper()}S: Final[Mapping[str, type[{alias}Body]]] = {{ {pairs}, }}"
    readers = ", ".join(f"**{folder}_wire.READERS" for folder in holding)
    writers = ", ".join(f"**{folder}_wire.WRITERS" for folder in holding)
    yield ""
    yield "# Reading and writing the fields behind meta, by the record's full name."
    yield f"READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {{ {readers} }}"
    yield f"WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {{ {writers} }}"


def _folders() -> list[str]:
    return sorted({name.split(".")[1] for name in declared()})


def _formatted(path: Path, source: str) -> str:
    for command in ("check --select I,F401 --fix", "format"):
        ruff = [sys.executable, "-m", "ruff", *command.split(), "--quiet", "--stdin-filename", str(path), "-"]
        done = subprocess.run(ruff, input=source, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"ruff refused the generated source: {done.stderr or done.stdout}")
        source = done.stdout
    return source


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
