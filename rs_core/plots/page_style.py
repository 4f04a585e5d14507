"""The style sheet and script of a report: no font, image or script from anywhere else."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --page: #ffffff;
  --card: #f6f8fa; --line: #d0d7de; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #a3adb8; --page: #0f1318; --card: #1a2028; --line: #3a434e; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 1120px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 8px 0 16px; }
h2 { font-size: 1.15rem; margin: 28px 0 8px; }
.statement { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: flex-start;
  background: var(--card); border: 1px solid var(--line); border-left-width: 6px;
  border-radius: 6px; padding: 10px 12px; margin: 0 0 10px; }
.statement p { margin: 0; flex: 1 1 300px; }
.badge { display: inline-flex; align-items: center; gap: 6px; white-space: nowrap;
  font-weight: 600; overflow-wrap: normal; }
.badge svg { width: 18px; height: 18px; flex: none; stroke: var(--ink); stroke-width: 1; }
figure { margin: 0 0 16px; }
.plot { width: 100%; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding: 8px 10px; color: var(--soft); }
th, td { padding: 6px 10px; text-align: left; border-top: 1px solid var(--line);
  vertical-align: top; }
th[scope="row"] { font-weight: 400; min-width: 5rem; overflow-wrap: anywhere; }
td.wide, th.wide { min-width: 13rem; }
thead th { background: var(--card); }
td.number, th.number { text-align: right; }
td.number { white-space: nowrap; }
li { margin: 4px 0; }
details { border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; margin: 24px 0; }
summary { cursor: pointer; font-weight: 600; }
pre { margin: 8px 0 0; overflow-x: auto; font-size: 0.85rem; white-space: pre-wrap; }
@media print { .statement, figure, table { break-inside: avoid; } }
"""

SCRIPT = """
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  // On a touch screen a drag over a figure must scroll the page.
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const narrow = window.innerWidth < 600;
  function template() {
    const ink = dark.matches ? "#e6edf3" : "#1b1f24";
    const grid = dark.matches ? "#303944" : "#e1e5ea";
    const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
    const clear = "rgba(0,0,0,0)";
    return { layout: { font: { color: ink, family: "system-ui, 'DejaVu Sans', sans-serif" },
      paper_bgcolor: clear, plot_bgcolor: clear, xaxis: axis, yaxis: axis,
      legend: { bgcolor: clear }, modebar: { bgcolor: clear, color: grid, activecolor: ink } } };
  }
  function draw() {
    document.querySelectorAll(".plot").forEach(function (plot) {
      const figure = JSON.parse(document.getElementById(plot.id + "-data").textContent);
      figure.layout.template = template();
      if (touch) figure.layout.dragmode = false;
      const lines = figure.data.filter(function (trace) { return trace.type === "scatter"; });
      if (narrow) figure.layout.height += 20 * lines.length;  // the legend grows by rows
      Plotly.react(plot, figure.data, figure.layout,
        { responsive: true, displaylogo: false, displayModeBar: touch || narrow ? false : "hover",
          modeBarButtonsToRemove: ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d"] });
    });
  }
  draw();
  dark.addEventListener("change", draw);
})();
"""
