"""Text files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_text(text: str, path: str | os.PathLike[str]) -> Path:
    """Write a file in one move, so that no half-written one is ever seen."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(suffix=target.suffix, prefix=f".{target.stem}-", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
