"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 40rem)");
  const touch = window.matchMedia("(pointer: coarse)");
  let printing = false;

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Figures carry no colours of the page: they are put on here, for light, dark and paper.
  function themed(figure) {
    const layout = structuredClone(figure.layout);
    const [ink, soft, grid, card] = ["--ink", "--soft", "--grid", "--card"].map(colour);
    layout.font = { ...layout.font, color: ink, family: getComputedStyle(document.body).fontFamily };
    layout.hoverlabel = { bgcolor: card, bordercolor: grid, font: { color: ink } };
    layout.paper_bgcolor = card;
    for (const name of new Set([...Object.keys(layout), "xaxis", "yaxis"])) {
      if (!/^[xy]axis\d*$/.test(name)) continue;
      const title = layout[name]?.title;
      layout[name] = { ...layout[name], gridcolor: grid, linecolor: grid, tickfont: { color: soft } };
      if (title) layout[name].title = { ...title, font: { color: soft, size: 12 } };
    }
    if (narrow.matches) layout.font.size = 11;
    // A finger on a figure scrolls the page; it doesn't draw a zoom box.
    if (touch.matches || narrow.matches) layout.dragmode = false;
    return layout;
  }

  const settings = () => ({
    responsive: true,
    displaylogo: false,
    displayModeBar: narrow.matches || printing ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  });

  async function draw(place) {
    const figure = figures[place.dataset.figure];
    // A stated height keeps the figure in its box while print or resizing draws it anew.
    place.style.height = `${figure.layout.height}px`;
    const ink = colour("--ink");
    const data = figure.data.map((trace) =>
      trace.error_x ? { ...trace, error_x: { ...trace.error_x, color: ink, thickness: 1.5 } } : trace);
    await Plotly.react(place, data, themed(figure), settings());
    place.dataset.drawn = "yes";
  }

  // A table that is cut at the edge of its box says so in words under it.
  function hint() {
    for (const box of document.querySelectorAll(".scroll")) {
      const said = box.nextElementSibling;
      if (said?.classList.contains("hint")) said.hidden = box.scrollWidth <= box.clientWidth + 1;
    }
  }
  window.addEventListener("resize", hint);
  document.addEventListener("toggle", hint, true);
  hint();

  const places = [...document.querySelectorAll("[data-figure]")];
  async function drawAll() {
    for (const place of places) await draw(place);
    document.documentElement.dataset.drawn = "all";
  }

  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
  // A link to a fact opens the list that the fact stands in.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const list = target?.closest("details");
    if (!list || list.open) return;
    list.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", reveal);
  reveal();

  window.addEventListener("beforeprint", () => {
    printing = true;
    for (const list of document.querySelectorAll(".kind, .yaml")) list.open = true;
    drawAll();
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    drawAll();
  });
  drawAll();
})();
