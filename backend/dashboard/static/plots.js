"use strict";
// Draws the plots. Their series differ in shape, dash or filling, and not in colour alone.

// By the place of a chart: the chart, and what follows the size of the place.
const charts = new Map();
const DASHES = [[], [9, 5], [2, 4], [14, 4, 2, 4], [5, 3]];
const CORNERS = {
  circle: [],
  diamond: [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
  square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  triangle: [[0, -1.3], [1.3, 1], [-1.3, 1]],
  wedge: [[0, 1.3], [1.3, -1], [-1.3, -1]],
};
// Where bars stand within their bin, from -1 to 1: one behind, and two in it side by side.
const BARS = [
  { from: -0.94, to: 0.94, alpha: 0.3, fill: true },
  { from: -0.78, to: -0.06, alpha: 1, fill: true },
  { from: 0.06, to: 0.78, alpha: 0, fill: false },
];

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

function looksOf(plot, colour) {
  const isBars = plot.kind === "bars", shapes = Object.keys(CORNERS);
  const inks = ["--accent", "--second", "--good", "--bad", "--soft"].map(colour);
  if (isBars) { inks.unshift(inks.pop()); }
  return plot.names.map((_, which) => ({
    ink: inks[which % inks.length],
    paper: colour("--paper"),
    dash: DASHES[which % DASHES.length],
    shape: isBars ? "diamond" : shapes[which % shapes.length],
    isFilled: !isBars && which % 2 === 0,
    bar: isBars ? BARS[which] : undefined,
    isLine: plot.kind === "lines",
  }));
}

function within(chart, paint) {
  const { left, top, width, height } = chart.bbox, room = 7 * devicePixelRatio;
  chart.ctx.save();
  chart.ctx.beginPath();
  chart.ctx.rect(left - room, top - room, width + 2 * room, height + 2 * room);
  chart.ctx.clip();
  paint(chart.ctx);
  chart.ctx.restore();
}

function stroke(canvas, ink, dash, points) {
  canvas.save();
  canvas.strokeStyle = ink;
  canvas.lineWidth = 1.5 * devicePixelRatio;
  canvas.setLineDash(dash.map((part) => part * devicePixelRatio));
  canvas.beginPath();
  points.forEach((at) => canvas.lineTo(...at));
  canvas.stroke();
  canvas.restore();
}

function drawShape(canvas, look, x, y) {
  const size = 4 * devicePixelRatio;
  canvas.save();
  canvas.beginPath();
  if (look.shape === "circle") { canvas.arc(x, y, size, 0, 2 * Math.PI); }
  CORNERS[look.shape].forEach(([right, down]) => canvas.lineTo(x + right * size, y + down * size));
  canvas.closePath();
  canvas.lineWidth = 2 * devicePixelRatio;
  canvas.setLineDash([]);
  canvas.strokeStyle = look.ink;
  canvas.fillStyle = look.isFilled ? look.ink : look.paper;
  canvas.fill();
  canvas.stroke();
  canvas.restore();
}

function drawBar(canvas, look, left, top, width, height) {
  const line = 1.5 * devicePixelRatio;
  canvas.save();
  canvas.fillStyle = canvas.strokeStyle = look.ink;
  canvas.lineWidth = line;
  canvas.setLineDash([]);
  canvas.globalAlpha = look.bar.alpha;
  if (look.bar.fill) { canvas.fillRect(left, top, width, height); }
  canvas.globalAlpha = 1;
  canvas.strokeRect(left + line / 2, top + line / 2, Math.max(width - line, 0), Math.max(height - line, 0));
  canvas.restore();
}

function spots(chart, xs, ys) {
  return xs.flatMap((x, place) => ys[place] === null ? []
    : [[chart.valToPos(x, "x", true), chart.valToPos(ys[place], "y", true)]]);
}

// A count above 0 is to be seen, however small its share.
function drawColumn(canvas, chart, look, xs, values) {
  const floor = chart.valToPos(0, "y", true);
  const half = (chart.valToPos(xs[1], "x", true) - chart.valToPos(xs[0], "x", true)) / 2;
  spots(chart, xs, values.map((value) => value || null)).forEach(([x, y]) => {
    if (!look.bar) { drawShape(canvas, look, x, y); return; }
    const top = Math.min(y, floor - 3 * devicePixelRatio);
    drawBar(canvas, look, x + look.bar.from * half, top, (look.bar.to - look.bar.from) * half, floor - top);
  });
}

function drawSeries(chart, plot, looks) {
  const [xs, ...columns] = plot.data;
  within(chart, (canvas) => columns.forEach((values, which) => {
    if (!chart.series[which + 1].show) { return; }
    if (plot.kind === "bars") { drawColumn(canvas, chart, looks[which], xs, values); return; }
    spots(chart, xs, values).forEach(([x, y]) => drawShape(canvas, looks[which], x, y));
  }));
}

function drawWhiskers(canvas, ink, lows, highs) {
  lows.forEach((low, place) => stroke(canvas, ink, [], [low, highs[place]]));
}

function drawBand(canvas, ink, lows, highs) {
  canvas.save();
  canvas.globalAlpha = 0.18;
  canvas.fillStyle = ink;
  canvas.beginPath();
  [...highs, ...[...lows].reverse()].forEach((at) => canvas.lineTo(...at));
  canvas.fill();
  canvas.restore();
  // The filling alone is too pale to show where the band ends.
  [lows, highs].forEach((edge) => stroke(canvas, ink, [1, 3], edge));
}

function drawBands(chart, plot, looks) {
  within(chart, (canvas) => plot.bands.forEach(([low, high], which) => {
    if (!low || !chart.series[which + 1].show) { return; }
    const [lows, highs] = [low, high].map((ends) => spots(chart, plot.data[0], ends));
    const isBand = plot.kind === "lines" && !plot.joined && lows.length > 1;
    (isBand ? drawBand : drawWhiskers)(canvas, looks[which].ink, lows, highs);
  }));
}

function drawDiagonal(chart, ink) {
  const { min, max } = chart.scales.x;
  within(chart, (canvas) => stroke(canvas, ink, [4, 4], spots(chart, [min, max], [min, max])));
}

function drawMark(chart, plot, ink) {
  const at = chart.valToPos(plot.mark, "x", true), { left, top, height } = chart.bbox;
  const isLeft = at - left < 110 * devicePixelRatio, gap = 6 * devicePixelRatio;
  stroke(chart.ctx, ink, [6, 4], [[at, top], [at, top + height]]);
  chart.ctx.save();
  chart.ctx.fillStyle = ink;
  chart.ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  chart.ctx.textAlign = isLeft ? "left" : "right";
  chart.ctx.fillText(`${plot.markLabel} ${plot.mark.toFixed(2)}`, at + (isLeft ? gap : -gap), top + 2 * gap);
  chart.ctx.restore();
}

function swatch(look) {
  const made = document.createElement("canvas"), canvas = made.getContext("2d");
  made.className = "swatch";
  [made.width, made.height] = [34 * devicePixelRatio, 16 * devicePixelRatio];
  const middle = made.height / 2, unit = devicePixelRatio;
  if (look.bar) { drawBar(canvas, look, 10 * unit, 2 * unit, 14 * unit, 12 * unit); return made; }
  if (look.isLine) { stroke(canvas, look.ink, look.dash, [[0, middle], [made.width, middle]]); }
  drawShape(canvas, look, made.width / 2, middle);
  return made;
}

function labelled(name, counts, look) {
  const label = document.createElement("span");
  const all = counts.reduce((sum, one) => sum + one, 0);
  label.className = "named";
  label.append(swatch(look), counts.length ? `${name} (${all.toLocaleString("en")})` : name);
  return label;
}

function seriesOf(plot, looks) {
  return plot.names.map((name, which) => ({
    label: labelled(name, plot.counts[which], looks[which]),
    stroke: looks[which].ink,
    dash: looks[which].dash,
    width: 2,
    paths: plot.kind === "lines" ? undefined : () => null,
    points: { show: false },
    spanGaps: plot.joined,
    ...(plot.counts[which].length ? { value: (_, share, __, place) => counted(plot.counts[which], share, place) } : {}),
  }));
}

function counted(counts, share, place) {
  return place === null || place === undefined ? "–" : `${counts[place].toLocaleString("en")} (${share.toFixed(1)}%)`;
}

function axesOf(plot, colour) {
  const axis = (label) => ({
    label, labelSize: 22, stroke: colour("--soft"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--edge") },
  });
  const whole = plot.data[0].every(Number.isInteger) ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] } : {};
  return [{ ...axis(plot.xLabel), ...whole, ...(plot.joined ? { grid: { show: false } } : {}) }, axis(plot.yLabel)];
}

function draw(figure) {
  const place = figure.querySelector(".canvas");
  const source = figure.querySelector("script[type='application/json']");
  if (!place || !source || charts.has(place) || !window.uPlot) { return; }
  const plot = JSON.parse(source.textContent), colour = colours(), looks = looksOf(plot, colour);
  const size = () => ({ width: Math.max(place.clientWidth, 260), height: 260 });
  const range = (ends) => ends ? { range: ends } : {};
  const chart = new uPlot({
    ...size(),
    scales: { x: { time: false, ...range(plot.xRange) }, y: range(plot.yRange) },
    axes: axesOf(plot, colour),
    series: [{ label: plot.xLabel }, ...seriesOf(plot, looks)],
    legend: { markers: { show: false } },
    cursor: { points: { show: plot.kind !== "bars" } },
    hooks: {
      drawAxes: [(made) => drawBands(made, plot, looks), (made) => plot.diagonal && drawDiagonal(made, colour("--soft"))],
      draw: [(made) => drawSeries(made, plot, looks), (made) => plot.mark !== null && drawMark(made, plot, colour("--bad"))],
    },
  }, plot.data, place);
  const observer = new ResizeObserver(() => chart.setSize(size()));
  observer.observe(place);
  charts.set(place, { chart, observer });
}

function drawAll() { document.querySelectorAll("figure.plot").forEach(draw); }

// A chart listens to the whole window, and would stay after its place is gone.
function dropAll() {
  charts.forEach(({ chart, observer }) => { observer.disconnect(); chart.destroy(); });
  charts.clear();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { dropAll(); drawAll(); });
