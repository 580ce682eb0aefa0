"use strict";
// Pixels that a portrait A4 or Letter has room for beside margins and frames, and how much lower
// charts are there, so that two or three go on a page.
const PAPER = 660, LOWER = 0.7;
const MANY = 8; // cards on a phone, from which on only the first are shown until more are asked for
const WIDE = 600; // pixels, from which on a window has room for a name in one line
const dark = matchMedia("(prefers-color-scheme: dark)");
const articles = [...document.querySelectorAll("article")];
const select = document.getElementById("scope");

function look() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: of("--line"), zerolinecolor: of("--quiet"), linecolor: of("--line"), automargin: true, title: { standoff: 8, font: { size: innerWidth < WIDE ? 12 : 14 } }, ticks: "outside", ticklen: 5, tickcolor: "transparent", separatethousands: true, exponentformat: "none" };
  const text = { color: of("--text") };
  return {
    data: { scatter: [{ line: text, marker: text }] },
    layout: {
      paper_bgcolor: of("--card"), plot_bgcolor: of("--card"),
      font: { family: "system-ui, sans-serif", size: document.documentElement.classList.contains("printing") ? 10 : 13, ...text },
      hoverlabel: { bgcolor: of("--card"), bordercolor: of("--line"), font: text },
      showlegend: false,
      margin: { l: 4, r: 16, t: 20, b: 4 }, bargap: 0.25, dragmode: false,
      xaxis: { ...axis, tickangle: 0, nticks: innerWidth < WIDE ? 4 : 0 }, yaxis: axis, separators: ".,",
    },
  };
}

function visible(which) {
  return document.querySelectorAll(`article:not([hidden]) ${which}`);
}

// A chart is drawn when it is first seen: with many clients, few ever are.
function draw() {
  for (const box of visible(".chart:not(.drawn)")) {
    const { data, layout } = JSON.parse(box.nextElementSibling.textContent);
    const names = layout.yaxis.ticktext;
    if (names && innerWidth >= WIDE) layout.yaxis.ticktext = names.map((name) => name.replace("<br>", " "));
    Plotly.newPlot(box, data, { ...layout, template: look() }, { responsive: true, displayModeBar: false });
    box.classList.add("drawn");
  }
}

function redraw(changes = () => ({})) {
  for (const box of visible(".drawn")) Plotly.relayout(box, { template: look(), ...changes(box) });
}

function resize(box, width, part) {
  const full = box.dataset.height ??= parseInt(box.style.height);
  box.style.height = `${part * full}px`;
  return { width, height: part * full };
}

// What scrolls has to be reached by the keyboard, and what doesn't need not be.
function reach() {
  for (const box of document.querySelectorAll(".wide")) {
    const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    if (scrolls) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }
}

function show() {
  const chosen = articles.find((each) => "#" + each.id === location.hash) ?? articles[0];
  for (const each of articles) each.hidden = each !== chosen;
  if (select) select.value = chosen.id;
  draw();
  redraw();
  reach();
  return chosen;
}

addEventListener("hashchange", () => {
  const heading = show().querySelector("h2");
  // The link that led here is hidden now: the keyboard goes on from where the eye does.
  heading.tabIndex = -1;
  heading.focus();
  scrollTo(0, 0);
});
addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);
dark.addEventListener("change", () => redraw());
addEventListener("beforeprint", () => {
  document.documentElement.classList.add("printing");
  redraw((box) => resize(box, PAPER, LOWER));
});
addEventListener("afterprint", () => {
  document.documentElement.classList.remove("printing");
  redraw((box) => ({ ...resize(box, null, 1), autosize: true }));
});
for (const box of document.querySelectorAll(".cards")) {
  const number = box.querySelectorAll("tbody tr").length;
  if (number < MANY) continue;
  const button = document.createElement("button");
  button.className = "all";
  button.textContent = `Show all ${number}`;
  button.addEventListener("click", () => box.classList.add("whole"));
  box.classList.add("many");
  box.after(button);
}
select?.addEventListener("change", () => {
  // To go to the hash would take the keyboard away from the list.
  history.pushState(null, "", "#" + select.value);
  show();
});
show();
