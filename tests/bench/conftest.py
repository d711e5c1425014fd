"""The table of ratios that `make bench` ends with."""


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    rows = [(b.name, key, value) for b in session.benchmarks for key, value in b.extra_info.items()] if session else []
    if not rows:
        return
    terminalreporter.section("ratios")
    width = max(len(name) for name, _, _ in rows)
    for name, key, value in rows:
        terminalreporter.write_line(f"{name.removeprefix('test_'):{width}}  {value:12.4g} {key}")
    terminalreporter.write_line("")
    terminalreporter.write_line(
        "Targets: a batched log-prob per walker, 3 reads of the templates; value and gradient, 4 log-probs."
    )
