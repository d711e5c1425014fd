"""Files that are there complete, or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def in_one_move(target: Path, folder: Path | None = None) -> Iterator[Path]:
    """A file beside its place (or in `folder`, on the same disk) that takes it when the block ends without error.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as there:
    ...     with in_one_move(Path(there) / "limits.txt") as temporary:
    ...         _ = temporary.write_text("41.0")
    ...     [file.name for file in Path(there).iterdir()]
    ['limits.txt']
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = (folder or target.parent) / f".{target.stem}-{secrets.token_hex(4)}{target.suffix}"
    try:
        yield temporary
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
