import re
import runpy
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from bayesnu.infer import checks
from bayesnu.report import html

TABLES = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("test_tables.py"))))


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.images, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        elif tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    tree = TABLES.made_up("coherent-csi-effective")
    return html.write(tree, tmp_path_factory.mktemp("report"), level=0.90, stem="one")


def test_the_page_is_whole_and_needs_nothing_else(written):
    assert [path.name for path in written] == ["one.html", "one-mu_nu.png", "one-mu_nu.pdf", "one-corner.png",
                                               "one-corner.pdf"]  # fmt: skip
    page = written[0].read_text(encoding="utf-8")
    read = Tags()
    read.feed(page)
    assert read.open == []
    assert len(read.images) == 2
    assert all(src.startswith("data:image/png;base64,") for src in read.images)
    assert not re.search(r"(src|href)=\"?(http|//)", page)
    for wanted in ("90 % limits", "the convergence gate was passed", "model hash", "numpy", "credible q90"):
        assert wanted in page


def test_the_page_of_an_unconverged_run_says_so():
    tree = TABLES.made_up("coherent-csi-effective", gate=checks.Gate(ess=1e6))
    assert '<p class="failed">NOT CONVERGED: ' in html.page(tree, [], level=0.90)
