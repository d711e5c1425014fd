"""The README's Python runs as it stands, and its commands exist."""

import re

import click.testing


def test_python_of_the_readme_runs(repository, capsys):
    text = (repository / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) >= 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert "mu" in capsys.readouterr().out


def test_commands_of_the_readme_exist(repository):
    from bayesnu.cli import main

    text = (repository / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^bayesnu (\w+)", text, flags=re.MULTILINE))
    assert commands == set(main.commands)
    for name in commands:
        assert click.testing.CliRunner().invoke(main, [name, "--help"]).exit_code == 0
