"""One self-contained page of a result: verdict, limits, figures, how it was made, and what it rests on."""

import base64
import json
import os
from collections.abc import Iterable
from html import escape
from pathlib import Path

import xarray as xr

from bayesnu.infer import checks, results
from bayesnu.report import plots, tables, text
from bayesnu.report.files import write_text

STYLE = """
body { font: 15px/1.5 Georgia, serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; border-bottom: 1px solid #ccc; }
pre { font: 12px/1.4 monospace; overflow-x: auto; background: #f7f7f7; padding: 1em; }
table { border-collapse: collapse; } td { padding: .1em 1em .1em 0; vertical-align: top; }
figure { display: inline-block; margin: 0 1em 1em 0; vertical-align: top; } img { max-width: 100%; height: auto; }
.failed { color: #b00020; font-weight: bold; }
"""


def write(tree: xr.DataTree, folder: str | os.PathLike[str], *, level: float, stem: str) -> list[Path]:
    """The page FOLDER/STEM.html and its figures as PNG and PDF beside it; returns what was written.

    >>> import bayesnu as bn
    >>> write(bn.open_result("tmm.nc"), "report", level=0.90, stem="tmm")  # doctest: +SKIP
    """
    target = Path(folder)
    drawn = figures(tree, target, level=level, stem=stem)
    shown = page(tree, [path for path in drawn if path.suffix == ".png"], level=level)
    return [write_text(shown, target / f"{stem}.html"), *drawn]


def figures(tree: xr.DataTree, folder: Path, *, level: float, stem: str, parameter: str | None = None) -> list[Path]:
    """The limit plot of each parameter, or of one, and the corner plot, as files."""
    names = dict.fromkeys(row.parameter for row in tables.limits(tree, level=level, parameter=parameter))
    drawn = [plots.save(plots.limit_plot(tree, n, level=level), folder / f"{stem}-{n}") for n in names]
    drawn.append(plots.save(plots.corner_plot(tree, level=level), folder / f"{stem}-corner"))
    return [path for paths in drawn for path in paths]


def page(tree: xr.DataTree, images: Iterable[Path], *, level: float) -> str:
    """The page as text, with its images inside: nothing is fetched when it is read."""
    model = results.model_of(tree)
    parts = [
        f"<h1>{escape(model.title)}</h1>",
        _verdict(tree),
        _section("Limits", f"<pre>{escape(tables.as_text(tables.limits(tree, level=level)))}</pre>"),
        _section("Figures", "\n".join(map(_image, images))),
        _section("Diagnostics", _table(_diagnostics(tree))),
        _section("How it was made", _table(_provenance(tree))),
        _section("Sources", f"<pre>{escape('\n'.join(map(text.citation, model.citations)))}</pre>"),
    ]
    head = f'<meta charset="utf-8"><title>{escape(model.name)}</title><style>{STYLE}</style>'
    return f"<!doctype html>\n<html lang=en><head>{head}</head>\n<body>\n{'\n'.join(parts)}\n</body></html>\n"


def _verdict(tree: xr.DataTree) -> str:
    failures = checks.recorded(tree).failures
    if not failures:
        return f"<p>{escape(tree.attrs['engine'])}, seed {tree.attrs['seed']}: the convergence gate was passed.</p>"
    return f'<p class="failed">NOT CONVERGED: {escape("; ".join(failures))}</p>'


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>\n{content}"


def _image(path: Path) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return f'<figure><img src="data:image/png;base64,{data}" alt="{escape(path.stem)}" width=480></figure>'


def _table(rows: Iterable[tuple[str, object]]) -> str:
    cells = [f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in rows]
    return f"<table>{''.join(cells)}</table>"


def _diagnostics(tree: xr.DataTree) -> list[tuple[str, object]]:
    found = checks.recorded(tree)._asdict()
    return [(name.replace("_", " "), value) for name, value in found.items() if value not in (None, ())]


def _provenance(tree: xr.DataTree) -> list[tuple[str, object]]:
    attributes = tree.attrs
    versions = ", ".join(f"{name} {version}" for name, version in json.loads(attributes["versions"]).items())
    seconds = ", ".join(f"{name} {value:.0f} s" for name, value in json.loads(attributes["seconds"]).items())
    if "seconds_of" in attributes:
        seconds += f" ({attributes['seconds_of']})"
    named = ("command", "model_hash", "options")
    return [*((n.replace("_", " "), attributes[n]) for n in named), ("time", seconds), ("versions", versions)]
