"use strict";
// Draws the charts in the page's own colours, and again whenever those or its width change.
(() => {
  const PAPER_PX = 680; // what is printable of an A4 page
  // What charts share. No finger that scrolls the page, or touches an axis, moves a chart.
  const axis = {
    title: { standoff: 10 }, gridcolor: "@rule", linecolor: "@rule", zeroline: false, automargin: true,
    fixedrange: true, ticks: "",
  };
  const TEMPLATE = {
    layout: {
      xaxis: axis, yaxis: axis, hovermode: "closest", showlegend: false, dragmode: false,
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal" },
      margin: { l: 8, r: 16, t: 8, b: 8 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { size: 13, color: "@soft" },
      hoverlabel: { bgcolor: "@raised", bordercolor: "@rule", font: { color: "@ink" } },
    },
    data: {
      scatter: [{
        line: { width: 2.5 }, marker: { color: "@ink", size: 9, line: { color: "@paper", width: 1.5 } },
        textposition: "middle right", textfont: { color: "@soft", size: 12 }, cliponaxis: false,
      }],
    },
  };
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("charts").textContent);

  // "@accent" is the page's --accent; only what is named a colour is one, never a text.
  const coloured = (value, styles, isColour) => {
    if (typeof value === "string") {
      return isColour && value.startsWith("@") ? styles.getPropertyValue(`--${value.slice(1)}`).trim() : value;
    }
    if (Array.isArray(value)) return value.map((each) => coloured(each, styles, isColour));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, coloured(each, styles, /color/.test(key))]),
    );
  };

  const draw = (width) => {
    const styles = getComputedStyle(root);
    const template = coloured(TEMPLATE, styles, false);
    const font = { family: getComputedStyle(document.body).fontFamily };
    return Promise.all(
      Object.entries(figures).map(([key, figure]) => {
        const { data, layout } = coloured(figure, styles, false);
        const box = document.getElementById(key);
        return Plotly.react(box, data, { template, font, ...layout, width: width || box.clientWidth }, {
          displayModeBar: false,
          doubleClick: false,
        });
      }),
    );
  };

  const drawn = () => requestAnimationFrame(() => {
    root.dataset.drawnAfterMs = performance.now();
  });

  let width = innerWidth;
  let waiting = 0;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar comes and goes
    width = innerWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => draw());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("beforeprint", () => {
    root.dataset.paper = "";
    draw(PAPER_PX);
  });
  addEventListener("afterprint", () => {
    delete root.dataset.paper;
    draw();
  });
  draw().then(drawn);
})();
