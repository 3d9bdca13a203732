"""The report in a real headless Chromium: it opens without errors, tables sort, images load, no text overlaps.

Without PEDRANK_REPORT, which names a finished study's report, a small page of the same parts is looked at.
"""

import os
from itertools import pairwise
from pathlib import Path

import pytest
from chromium import PROGRAM, Browser
from test_page import write_study

from pedrank.report.pages.study_page import study_page
from pedrank.utils.paths import ROOT

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")

# Boxes of text that stand on the page, by what holds them; what a scrolled or folded part hides does not count.
BOXES = """(() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, owner = node.parentElement;
    if (!node.data.trim() || owner.closest('script, style') || !owner.checkVisibility()) continue;
    const clip = owner.closest('.scroll')?.getBoundingClientRect(), range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      const left = Math.max(box.left, clip?.left ?? -1e9), right = Math.min(box.right, clip?.right ?? 1e9);
      if (right - left > 1 && box.height > 1)
        found.push({text: node.data.trim().slice(0, 40), left, right, top: box.top, bottom: box.bottom,
                    pinned: !!owner.closest('th:first-child')});
    }
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    if "PEDRANK_REPORT" in os.environ:
        return Path(os.environ["PEDRANK_REPORT"])
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    (folder / "report.html").write_text(study_page(folder, ROOT / "report"))
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(params=[1280, 400])
def page(request, browser, report):
    browser.open(report, request.param)
    return browser


def test_no_errors_and_nothing_from_elsewhere(page):
    assert page.errors == []
    assert page.run("performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length") == 0
    assert page.run("document.querySelectorAll('h2').length") >= 8


def test_images_load(page):
    images = page.run("[...document.images].map(image => [image.complete && image.naturalWidth > 0, image.alt])")
    assert len(images) >= 9
    for loaded, alternative in images:
        assert loaded and alternative


def test_the_page_is_no_wider_than_the_window(page):
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_no_text_overlaps(page):
    boxes = page.run(BOXES)
    assert len(boxes) > 200
    boxes.sort(key=lambda box: box["top"])
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            if other["top"] > one["bottom"] - 2:
                break
            if one["pinned"] != other["pinned"]:
                continue  # columns scroll below the labels, which have a background of their own
            beside = min(one["right"], other["right"]) - max(one["left"], other["left"])
            assert beside < 2, (one, other)


def column(page, table, index):
    script = f"[...document.querySelector('{table}').tBodies[0].rows].map(row => row.cells[{index}].dataset.value)"
    return page.run(script)


def test_tables_sort(page):
    table = "#table1 table"
    head = f"document.querySelector('{table}').tHead.rows[0].cells"
    first = page.run(f"[...document.querySelector('{table}').tBodies[0].rows].map(row => row.cells[0].innerText)")
    page.run(f"{head}[1].querySelector('button').click()")
    numbers = [float(value) for value in column(page, table, 1) if value]
    assert all(one >= other for one, other in pairwise(numbers)) and numbers[0] > numbers[-1]
    assert page.run(f"{head}[1].getAttribute('aria-sort')") == "descending"
    page.run(f"{head}[1].querySelector('button').click()")
    assert [float(value) for value in column(page, table, 1) if value] == sorted(numbers)
    page.run(f"{head}[0].querySelector('button').click()")
    script = f"[...document.querySelector('{table}').tBodies[0].rows].map(row => row.cells[0].innerText)"
    assert page.run(script) == first
    assert page.errors == []


def test_rows_with_ped_can_be_hidden(page):
    count = "[...document.querySelectorAll('#table1 tbody tr')].filter(row => row.checkVisibility()).length"
    everything = page.run(count)
    page.run("document.querySelector('#table1 .switch').click()")
    assert 0 < page.run(count) < everything
    page.run("document.querySelector('#table1 .switch').click()")
    assert page.run(count) == everything


def test_every_link_leads_somewhere(page):
    script = "[...document.querySelectorAll('nav a')].filter(link => !document.querySelector(link.hash)).length"
    assert page.run(script) == 0


def test_an_overlap_would_be_noticed(browser, tmp_path):
    overlapping = tmp_path / "bad.html"
    lines = "".join(f"<p>line {i}</p>" for i in range(300))
    overlapping.write_text(f"<style>p + p {{ margin-top: -2em }}</style>{lines}<h2>a</h2>")
    browser.open(overlapping, 400)
    with pytest.raises(AssertionError):
        test_no_text_overlaps(browser)


@pytest.mark.parametrize("width", [1280, 400])
def test_a_cell_of_table_1_opens_its_trace(browser, report, width):
    if not report.with_name("trace.html").is_file():
        pytest.skip("no trace.html beside the report; make test-browser has one")
    browser.open(report, width)
    link = browser.run("document.querySelector('#table1 td a').getAttribute('href')")
    file, anchor = link.split("#")
    browser.open(report.with_name(file), width, anchor)
    assert browser.run(f"document.getElementById('{anchor}').closest('details').open")
    there = "!a.getAttribute('href').startsWith('#') || document.getElementById(a.hash.slice(1))"
    assert browser.run(f"[...document.querySelectorAll('a')].every(a => {there})")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.errors == []
