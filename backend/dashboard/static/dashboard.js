"use strict";
// Draws the plots, and lets the keys 1 to 9 change the page and / go to the filter.

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

function between(range) { return range ? { range } : {}; }

function stroke(chart, ink, dashes, points) {
  const canvas = chart.ctx;
  canvas.save();
  canvas.strokeStyle = ink;
  canvas.lineWidth = 1.5 * devicePixelRatio;
  canvas.setLineDash(dashes);
  canvas.beginPath();
  points.forEach(([x, y], place) => {
    const at = [chart.valToPos(x, "x", true), chart.valToPos(y, "y", true)];
    place ? canvas.lineTo(...at) : canvas.moveTo(...at);
  });
  canvas.stroke();
  canvas.restore();
}

function drawWhiskers(chart, xs, low, high, ink) {
  xs.forEach((x, place) => {
    if (low[place] !== null) { stroke(chart, ink, [], [[x, low[place]], [x, high[place]]]); }
  });
}

function fillBand(chart, xs, low, high, ink) {
  const known = xs.map((_, place) => place).filter((place) => low[place] !== null);
  if (known.length === 1) { return drawWhiskers(chart, xs, low, high, ink); }
  const at = (end) => (place) => [chart.valToPos(xs[place], "x", true), chart.valToPos(end[place], "y", true)];
  const edge = [...known.map(at(high)), ...known.reverse().map(at(low))];
  const canvas = chart.ctx;
  canvas.save();
  canvas.globalAlpha = 0.18;
  canvas.fillStyle = ink;
  canvas.beginPath();
  edge.forEach((point, place) => { place ? canvas.lineTo(...point) : canvas.moveTo(...point); });
  canvas.fill();
  canvas.restore();
}

function draw(figure) {
  const place = figure.querySelector(".canvas");
  const source = figure.querySelector("script[type='application/json']");
  if (!place || !source || place.childElementCount || !window.uPlot) { return; }
  const plot = JSON.parse(source.textContent);
  const colour = colours();
  const inks = [colour("--soft"), colour("--accent"), colour("--second"), colour("--good"), colour("--bad")];
  if (plot.names.length === 1) { inks.shift(); }
  const bars = plot.kind === "bars" ? uPlot.paths.bars({ size: [0.8, 60] }) : undefined;
  const series = plot.names.map((label, place) => ({
    label,
    stroke: inks[place % inks.length],
    fill: plot.kind === "bars" ? inks[place % inks.length] + "99" : undefined,
    paths: plot.kind === "points" ? () => null : bars,
    points: { show: plot.kind !== "bars", size: 7 },
    width: 2,
    spanGaps: plot.joined,
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
  const bands = (chart) => plot.bands.forEach(([low, high], which) => {
    if (low && chart.series[which + 1].show) {
      (plot.kind === "lines" && !plot.joined ? fillBand : drawWhiskers)(chart, plot.data[0], low, high, inks[which % inks.length]);
    }
  });
  const diagonal = (chart) => {
    if (!plot.diagonal) { return; }
    const { min, max } = chart.scales.x;
    stroke(chart, colour("--soft"), [4, 4], [[min, min], [max, max]]);
  };
  const whole = plot.data[0].every(Number.isInteger) ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] } : {};
  const size = () => ({ width: Math.max(place.clientWidth, 260), height: 260 });
  const chart = new uPlot({
    ...size(),
    scales: { x: { time: false, ...between(plot.xRange) }, y: between(plot.yRange) },
    axes: [{ ...axis(plot.xLabel), ...whole, ...(plot.joined ? { grid: { show: false } } : {}) }, axis(plot.yLabel)],
    series: [{ label: plot.xLabel }, ...series],
    hooks: { drawClear: [bands, diagonal], draw: [marks] },
  }, plot.data, place);
  new ResizeObserver(() => chart.setSize(size())).observe(place);
}

function drawAll() { document.querySelectorAll("figure.plot").forEach(draw); }

// A page that looks again must not take away what somebody types or has unfolded.
let unfolded = new Set();

function detailsByName() {
  const all = [...document.querySelectorAll("main details")];
  return new Map(all.map((one, place) => [`${place} ${one.querySelector("summary")?.textContent}`, one]));
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.activeElement?.closest("main :is(input, select, textarea)")) { event.preventDefault(); }
});
document.addEventListener("htmx:beforeSwap", () => {
  unfolded = new Set([...detailsByName()].filter(([, one]) => one.open).map(([name]) => name));
});
document.addEventListener("htmx:afterSettle", () => {
  detailsByName().forEach((one, name) => { if (unfolded.has(name)) { one.open = true; } });
  drawAll();
});
document.addEventListener("DOMContentLoaded", drawAll);
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
