"""The report as a person sees it: on a screen, on a phone, on paper, and by its keyboard.

`CAMPAIGN_MONITOR_SCREENSHOTS=docs/images pytest -m browser` takes the documentation's
pictures anew.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from campaign_monitor_assets import sandbox
from campaign_monitor_assets.catalogue import CATALOGUE
from campaign_monitor_assets.report import write_report
from campaign_monitor_assets_tests.browser import NEEDS_BROWSER
from campaign_monitor_assets_tests.project import PREFIX, Project, failures

pytestmark = NEEDS_BROWSER

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SHOWN = "article:not([hidden])"
CHARTS = f"{SHOWN} .chart"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The demo's account of today, with all tables, so that every section is there."""
    with sandbox.start() as box:
        project = Project(box, tmp_path_factory.mktemp("page") / "account.duckdb")
        result = project.materialize(*CATALOGUE)
        assert result.success, failures(result)
        yield project


@pytest.fixture(scope="module")
def report(account: Project) -> str:
    return write_report(account.warehouse, PREFIX, account.path.with_name("report.html")).as_uri()


def all_drawn(page: Page) -> None:
    charts = page.locator(CHARTS)
    assert charts.count() >= 7
    for chart in charts.all():
        expect(chart.locator(".main-svg").first).to_be_attached()


def test_attack(account: Project, tmp_path: Path, page: Page) -> None:
    """The report draws all charts and asks nothing of a network, whatever campaigns are called."""
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    own = account.copy_to(tmp_path / "account.duckdb")
    own.change("update campaigns set Name = ?", "<img src=x onerror=alert(1)>")
    report = write_report(own.warehouse, PREFIX, tmp_path / "report.html").as_uri()
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        page.goto(report)
        all_drawn(page)
        page.locator(CHARTS).nth(2).hover()
    assert {each.split("#")[0] for each in asked} == {report}
    assert complaints == []


def test_pictures(report: str, page: Page, screenshots: Path) -> None:
    """The report is drawn in the light and in the dark, at the width that a window has."""
    page.set_viewport_size({"width": 1100, "height": 1430})
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.goto(report)
        all_drawn(page)
        page.wait_for_timeout(1000)  # the charts follow the window's size
        paper = page.locator(CHARTS).first.locator(".main-svg").first
        card = page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor")
        expect(paper).to_have_css("background-color", card)
        page.screenshot(path=screenshots / f"report{'_dark' * (scheme == 'dark')}.png")
    page.set_viewport_size(PHONE)
    page.goto(report)
    all_drawn(page)
    page.locator(f"{SHOWN} h3", has_text="Campaigns").scroll_into_view_if_needed()
    page.screenshot(path=screenshots / "report_phone.png")


def test_choosing_a_client(report: str, account: Project, page: Page) -> None:
    """A client is chosen by its link, with the keyboard too, or from the list."""
    [(client,)] = account.query("select Name from clients order by lower(Name) limit 1")
    page.goto(report)
    page.get_by_role("link", name=client).focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=2, name=client)
    expect(heading).to_be_focused()
    expect(page.locator(SHOWN)).to_have_count(1)
    page.get_by_label("Show").focus()
    page.get_by_label("Show").select_option("All clients")
    expect(page.get_by_role("heading", level=2, name="All clients")).to_be_visible()
    expect(page.get_by_label("Show")).to_be_focused()
    page.go_back()
    expect(heading).to_be_focused()


WIDER_THAN_PAGE = """() => [...document.querySelectorAll("body *")].filter(
    (each) => !each.parentElement.closest(".wide") && !each.closest("svg, article[hidden]")
        && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).map((each) => each.outerHTML.slice(0, 80))"""

BROKEN_WORDS = """() => {
    const found = [];
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) {
        const parent = text.parentElement;
        if (!parent.checkVisibility() || parent.closest("script, style, svg, .chart")) continue;
        for (const word of text.data.matchAll(/[\\p{L}\\p{N}_']+/gu)) {
            if (/[\\p{Script=Han}\\p{Script=Hiragana}]/u.test(word[0])) continue;
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map((each) => Math.round(each.top)));
            if (lines.size > 1) found.push(word[0]);
        }
    }
    return found;
}"""


@pytest.mark.parametrize("client", ["All clients", "O'Brien & Sons Gardening"])
def test_phone(report: str, page: Page, client: str) -> None:
    """On a phone nothing is wider than the page, every figure is seen, and every word whole."""
    page.set_viewport_size(PHONE)
    page.goto(report)
    page.get_by_label("Show").select_option(client)
    more = page.locator(f"{SHOWN} button:visible")
    while more.count():
        more.first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(WIDER_THAN_PAGE) == []
    assert page.evaluate(BROKEN_WORDS) == []
    for chart in page.locator(CHARTS).all():
        drawn = chart.locator(".main-svg").first.bounding_box()
        assert drawn is not None
        assert drawn["x"] >= 0
        assert drawn["x"] + drawn["width"] <= PHONE["width"]
    cells = page.locator(f"{SHOWN} .cards td")
    assert cells.count() > 50
    for box in cells.evaluate_all("cells => cells.map(each => each.getBoundingClientRect())"):
        assert box["width"] > 0
        assert box["right"] <= PHONE["width"]


def test_many_cards(report: str, page: Page) -> None:
    """On a phone the first rows of a long table are shown, and the rest when they are asked for."""
    page.set_viewport_size(PHONE)
    page.goto(report)
    rows = page.locator(f"{SHOWN} section", has_text="The most opened campaigns").locator(
        "tbody tr"
    )
    assert rows.count() == 15
    expect(rows.locator("visible=true")).to_have_count(6)
    page.get_by_role("button", name="Show all 15").click()
    expect(rows.locator("visible=true")).to_have_count(15)
    page.set_viewport_size(DESKTOP)
    expect(page.get_by_role("button")).to_have_count(0)


def test_tables_for_screen_readers(report: str, page: Page) -> None:
    """Each chart is named and has a table; cards are tables to who doesn't see them."""
    page.set_viewport_size(PHONE)
    page.goto(report)
    all_drawn(page)
    for section in page.locator(f"{SHOWN} section", has=page.locator(".chart")).all():
        title = section.get_by_role("heading").inner_text()
        expect(section.get_by_role("img", name=f"{title}, a chart.")).to_be_visible()
        section.get_by_text("The figures as a table").press("Enter")
        table = section.get_by_role("table")
        expect(table).to_be_visible()
        assert table.get_by_role("columnheader").count() > 1
        assert table.get_by_role("rowheader").count() >= 1
    cards = page.locator(f"{SHOWN} .cards").first
    assert cards.get_by_role("row").count() == 4
    assert cards.get_by_role("columnheader").count() == 10
    assert cards.get_by_role("cell").count() == 3 * 9


def test_headings(report: str, page: Page) -> None:
    """Headings go down by a level at a time, from a single one at the top."""
    page.goto(report)
    levels = (
        page.locator("h1, h2, h3, h4")
        .locator("visible=true")
        .evaluate_all("found => found.map(each => Number(each.tagName[1]))")
    )
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_what_scrolls(report: str, page: Page) -> None:
    """What scrolls is reached by the keyboard, and what doesn't takes no step of it."""
    page.set_viewport_size(PHONE)
    page.goto(report)
    growth = page.locator(f"{SHOWN} section", has_text="List growth by month")
    growth.get_by_text("The figures as a table").click()
    scrolling = growth.locator(".wide")
    expect(scrolling).to_have_attribute("tabindex", "0")
    expect(scrolling).not_to_have_css("background-image", "none")
    scrolling.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("box => box.scrollTop > 0", arg=scrolling.element_handle())
    for table in page.locator(f"{SHOWN} .cards").all():
        assert table.get_attribute("tabindex") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper(report: str, page: Page, scheme: str) -> None:
    """On paper charts fit, their legends keep their colours, and nothing asks to be clicked."""
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(report)
    all_drawn(page)
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for hidden in ("select", "details", "button"):
        expect(page.locator(hidden).locator("visible=true")).to_have_count(0)
    for key in page.locator(f"{SHOWN} .legend i").all():
        expect(key).to_have_css("print-color-adjust", "exact")
    for chart in page.locator(CHARTS).all():
        drawn = chart.locator(".main-svg").first
        expect(drawn).to_have_css("background-color", "rgb(255, 255, 255)")
        box = drawn.bounding_box()
        assert box is not None
        assert box["width"] <= 680
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(
        "document.querySelector('.main-svg').getBoundingClientRect().width > 700"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(report: str, page: Page, scheme: str) -> None:
    """Text stands out from what is behind it by 4.5 to 1, colours of charts by 3 to 1."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(report)
    names = ("text", "quiet", "link", "card", "page")
    colours = page.evaluate(
        "names => names.map("
        "each => getComputedStyle(document.documentElement).getPropertyValue('--' + each))",
        list(names),
    )
    found = dict(zip(names, (str(each).strip() for each in colours), strict=True))
    for text in ("text", "quiet", "link"):
        for behind in ("card", "page"):
            assert contrast(found[text], found[behind]) >= 4.5, (text, behind)
    keys = page.locator(".legend i").evaluate_all("found => found.map(each => each.style.color)")
    drawn = {str(each) for each in keys if each}
    assert len(drawn) >= 4
    for colour in drawn:
        assert contrast(colour, found["card"]) >= 3, colour


def contrast(one: str, other: str) -> float:
    """How far two colours are from each other, by WCAG."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
        parts = [int(digits[at : at + 2], 16) for at in (0, 2, 4)]
    else:
        parts = [int(each) for each in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.03928 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
