"""Text files that are written whole or not at all."""

import os
from pathlib import Path

from bayesnu.infer.atomic import in_one_move


def write_text(text: str, path: str | os.PathLike[str], beside: Path | None = None) -> Path:
    """Write a file in one move, so that no half-written one is ever seen; `beside` is where it is before the move."""
    target = Path(path)
    with in_one_move(target, beside) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return target
