"""The bytes behind a declaration: every data file has the SHA-256 that its source gives."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bayesnu.catalog import validation
from bayesnu.catalog.files import read_toml
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import Source


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def verify_files(file: Path, sources: Mapping[str, Source]) -> None:
    """Every file that a source names is there and has the bytes that it had when it was declared."""
    validation.raise_if(_problems(file, sources))


def _problems(file: Path, sources: Mapping[str, Source]) -> Iterator[Problem]:
    for key, source in sources.items():
        for name, declared in source.files.items():
            where, path = f"sources.{key}.files.{name}", file.parent / name
            if not path.is_file():
                yield _missing(file, where, path)
            elif (present := sha256(path)) != declared:
                hint = "if the change is meant, run `bayesnu check --write-hashes` on this file and raise its revision"
                yield Problem(
                    str(file), where, f"SHA-256 {declared!r}", f"{present}, that of {path.name} as it is", hint
                )


def _missing(file: Path, where: str, path: Path) -> Problem:
    beside = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
    hint = validation.did_you_mean(path.name, beside) or "add the file or mend its name"
    return Problem(str(file), where, f"no file {path.name!r}", str(path), hint)


def write_hashes(file: Path) -> int:
    """Put the present hashes of its data files into a declaration; how many were changed."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    changed = 0
    for where, name, old in _declared(read_toml(file)):
        path = file.parent / name
        if not path.is_file():
            raise DeclarationError(_missing(file, where, path))
        new = sha256(path)
        if new == old:
            continue
        entry = re.compile(rf"""((["']?){re.escape(name)}\2\s*=\s*)(["']){re.escape(old)}\3""")
        text, count = entry.subn(rf'\g<1>"{new}"', text)
        if not count:
            expected = f'"{name}" = "HASH" on one line'
            raise DeclarationError(Problem(str(file), where, f"{old!r}, in another form", expected, "write it so"))
        changed += 1
    if changed:
        file.write_text(text, encoding="utf-8")
    return changed


def _declared(tree: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Place, file name and hash of every data file; what is no table is left to the check of shapes."""
    sources = tree.get("sources")
    for key, source in sources.items() if isinstance(sources, dict) else ():
        files = source.get("files") if isinstance(source, dict) else None
        for name, old in files.items() if isinstance(files, dict) else ():
            if isinstance(old, str):
                yield f"sources.{key}.files.{name}", name, old
