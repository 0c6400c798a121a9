"use strict";
// Draws the plots, and lets the keys 1 to 9 change the page and / go to the filter.

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

function draw(figure) {
  const place = figure.querySelector(".canvas");
  const source = figure.querySelector("script[type='application/json']");
  if (!place || !source || place.childElementCount || !window.uPlot) { return; }
  const plot = JSON.parse(source.textContent);
  const colour = colours();
  const inks = [colour("--soft"), colour("--accent"), colour("--second"), colour("--good"), colour("--bad")];
  const bars = plot.kind === "bars" ? uPlot.paths.bars({ size: [0.8, 60] }) : undefined;
  const series = plot.names.map((label, place) => ({
    label,
    stroke: inks[place % inks.length],
    fill: plot.kind === "bars" ? inks[place % inks.length] + "99" : undefined,
    paths: plot.kind === "points" ? () => null : bars,
    points: { show: plot.kind !== "bars", size: 7 },
    width: 2,
  }));
  const axis = (label) => ({
    label, labelSize: 22, stroke: colour("--soft"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") },
  });
  const marks = (chart) => {
    if (plot.mark === null) { return; }
    const at = chart.valToPos(plot.mark, "x", true);
    const canvas = chart.ctx;
    canvas.save();
    canvas.strokeStyle = canvas.fillStyle = colour("--bad");
    canvas.setLineDash([6, 4]);
    canvas.beginPath();
    canvas.moveTo(at, chart.bbox.top);
    canvas.lineTo(at, chart.bbox.top + chart.bbox.height);
    canvas.stroke();
    canvas.textAlign = "right";
    canvas.fillText(`${plot.markLabel} ${plot.mark.toFixed(2)}`, at - 6, chart.bbox.top + 14);
    canvas.restore();
  };
  const size = () => ({ width: Math.max(place.clientWidth, 260), height: 260 });
  const chart = new uPlot({
    ...size(),
    scales: { x: { time: false } },
    axes: [axis(plot.xLabel), axis(plot.yLabel)],
    series: [{ label: plot.xLabel }, ...series],
    hooks: { draw: [marks] },
  }, plot.data, place);
  new ResizeObserver(() => chart.setSize(size())).observe(place);
}

function drawAll() { document.querySelectorAll("figure.plot").forEach(draw); }

document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("htmx:afterSettle", drawAll);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) { return; }
  if (event.key === "/") {
    const filter = document.querySelector("input[type=search]");
    if (filter) { filter.focus(); event.preventDefault(); }
    return;
  }
  const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
  if (link) { link.click(); }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
