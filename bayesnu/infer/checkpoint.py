"""What a run leaves behind when it is killed, so that another goes on: finished pieces in a folder beside the result.

RESULT.partial/ holds what was asked for (asked.json) and one .npz file a piece, each written in one move. A run that
ends removes it. A piece depends on the seed alone, so a resumed run gives the numbers of one that was never killed.
"""

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import executors
from bayesnu.infer.atomic import in_one_move

ASKED = "asked.json"
ABSENT = "nothing"


class Interrupted(KeyboardInterrupt):
    """An interrupt of a run that has something to show: `result` is what there is of it, None where it is nothing."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        super().__init__()


class Checkpoint(NamedTuple):
    """A folder of finished pieces; without one, nothing is kept and nothing is found.

    >>> NOWHERE.save("piece", {"x": [1.0]})
    >>> NOWHERE.load("piece") is None
    True
    """

    folder: Path | None = None
    asked: Mapping[str, str] = {}
    replaces: bool = False
    """Whether a finished result was there already: a partial one must not take its place."""

    def save(self, name: str, piece: Mapping[str, ArrayLike]) -> None:
        """Keep a piece."""
        if self.folder is not None:
            self._open(self.folder)
            with in_one_move(self.folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **piece)

    def load(self, name: str) -> dict[str, Any] | None:
        """A piece, or None where it is not there: one that cannot be read, after a power cut, is made again."""
        path = self.folder / f"{name}.npz" if self.folder is not None else None
        if path is None or not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as piece:
                return {key: _plain(piece[key]) for key in piece.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def file(self, name: str) -> Path | None:
        """Where an engine that keeps its own state may write it, such as the points of a nested run."""
        if self.folder is None:
            return None
        self._open(self.folder)
        return self.folder / name

    def _open(self, folder: Path) -> None:
        """The folder comes with the first piece: a run that ends before it leaves nothing."""
        if not (folder / ASKED).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with in_one_move(folder / ASKED) as temporary:
                content = {"replaces": self.replaces, "asked": dict(self.asked)}
                temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")

    @property
    def beside(self) -> Path | None:
        """Where a result may be written before it takes its place."""
        return self.folder if self.folder is not None and self.folder.is_dir() else None

    @property
    def pieces(self) -> list[Path]:
        """What is kept."""
        files = self.folder.iterdir() if self.folder is not None and self.folder.is_dir() else ()
        return [file for file in files if file.name != ASKED and not file.name.startswith(".")]

    def place_of_partial(self, target: Path) -> Path:
        """Where a partial result goes: to the place of the result, unless a finished one is there."""
        return self.folder / target.name if self.folder is not None and self.replaces else target

    def remove(self) -> None:
        """The run has ended."""
        if self.folder is not None and self.folder.is_dir():
            shutil.rmtree(self.folder)


NOWHERE = Checkpoint()


def _plain(value: Any) -> Any:
    return value.item() if value.ndim == 0 else value


def folder_of(result: Path) -> Path:
    """The folder of the pieces of a result."""
    return result.with_name(f"{result.name}.partial")


def begin(result: Path, asked: Mapping[str, Any], *, resume: bool, say: Callable[[str], None]) -> Checkpoint:
    """The checkpoint of a result: a new one, or with `resume` that of the same run, killed before its end."""
    folder, now = folder_of(result), _flat(asked)
    if (folder / ASKED).is_file():
        before = json.loads((folder / ASKED).read_text(encoding="utf-8"))
        if not resume and Checkpoint(folder).pieces:
            hint = f"continue it with --resume, or start anew after: rm -r {folder}"
            found = "pieces of a run that has not ended (or is still running)"
            raise DeclarationError(Problem(str(folder), "", found, "no unfinished run of this result", hint))
        if resume:
            _require_same(folder, before["asked"], now)
            _sweep(folder)
            return Checkpoint(folder, now, before["replaces"])
        shutil.rmtree(folder)
    elif resume:
        say(f"  there is no {folder}: nothing to resume, starting from the beginning")
    return Checkpoint(folder, now, result.exists())


def _flat(asked: Mapping[str, Any]) -> dict[str, str]:
    """What is asked for, as text: of a table, each entry by itself, so that an error can name it."""
    nested = {key: value.items() if isinstance(value, Mapping) else [("", value)] for key, value in asked.items()}
    return {f"{key}.{name}".rstrip("."): str(value) for key, entries in nested.items() for name, value in entries}


def _require_same(folder: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    hint = f"ask for the same again, or start anew after: rm -r {folder}"
    problems = [
        Problem(str(folder), key, now.get(key, ABSENT), f"{before.get(key, ABSENT)}, as in the run to be resumed", hint)
        for key in dict.fromkeys([*before, *now])
        if before.get(key, ABSENT) != now.get(key, ABSENT)
    ]
    if problems:
        raise DeclarationError(problems)


def _sweep(folder: Path) -> None:
    """A process that is killed while it writes leaves a file with a dot."""
    for leftover in folder.glob(".*"):
        leftover.unlink(missing_ok=True)


def finished[R](
    checkpoint: Checkpoint, executor: Executor, jobs: Mapping[str, executors.Job], record: Callable[..., R],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, R]:  # fmt: skip
    """What each job gives, each kept as soon as it is done; what was kept before is not done again.

    An interrupt raises Interrupted, whose `result` holds the jobs that are done.
    """
    found = dict(_kept(checkpoint, jobs, record))
    try:
        for name, result in executors.completed(executor, {n: job for n, job in jobs.items() if n not in found}):
            checkpoint.save(name, result._asdict())
            found[name] = result
            if progress:
                progress(len(found), len(jobs))
    except KeyboardInterrupt:
        raise Interrupted({name: found[name] for name in jobs if name in found}) from None
    return {name: found[name] for name in jobs}


def _kept[R](
    checkpoint: Checkpoint, jobs: Mapping[str, executors.Job], record: Callable[..., R]
) -> Iterator[tuple[str, R]]:  # fmt: skip
    for name in jobs:
        piece = checkpoint.load(name)
        if piece is not None:
            yield name, record(**piece)
