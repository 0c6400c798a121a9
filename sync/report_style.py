"""How the page of the quality report looks: one stylesheet, without a font or a picture."""

STYLE = """
:root {
  --paper: #ffffff; --ink: #16202c; --soft: #56616f; --line: #d9dfe6; --panel: #f4f6f9;
  --accent: #1f5fa8; --range: #9dbfe4; --mark: #b4400a; --warn: #fff6ec; --warn-line: #dd8a3c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #11161d; --ink: #e7ecf2; --soft: #a3afbd; --line: #2d3743; --panel: #1a212a;
    --accent: #6fb0ff; --range: #35567f; --mark: #ff9c66; --warn: #2a1f14; --warn-line: #c47a33;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); }
body { margin: 0; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { position: relative; max-width: 1080px; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.15; margin: 0; letter-spacing: -0.02em;
  overflow-wrap: anywhere; }
h1 span { color: var(--soft); font-weight: 500; }
h2 { font-size: 1.3rem; margin: 0 0 0.6rem; letter-spacing: -0.01em; }
p { margin: 0 0 0.7rem; max-width: 72ch; overflow-wrap: anywhere; }
a { color: var(--accent); }
.kicker { text-transform: uppercase; letter-spacing: 0.09em; font-size: 0.75rem; font-weight: 600;
  color: var(--soft); margin: 0 0 0.3rem; }
.sub { color: var(--soft); margin: 0.5rem 0 0.8rem; }
.message { font-size: 1.05rem; margin: 0.4rem 0 0; }
.prints { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 0.8rem; margin: 0;
  font-size: 0.8rem; color: var(--soft); }
.prints dd { margin: 0; overflow-wrap: anywhere; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: 0.92em; }
.tiles { list-style: none; margin: 1.8rem 0 1.2rem; padding: 0; display: grid; gap: 0.7rem;
  grid-template-columns: repeat(auto-fit, minmax(7.9rem, 1fr)); }
.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: 0.6rem;
  padding: 0.75rem 0.85rem; display: flex; flex-direction: column; overflow-wrap: anywhere; }
.tiles .what { font-size: 0.8rem; color: var(--soft); }
.tiles b { font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles b.unknown { font-size: 1rem; line-height: 2rem; font-weight: 500; }
.tiles .note { font-size: 0.78rem; color: var(--soft); line-height: 1.35; }
nav ul { list-style: none; margin: 0; padding: 0.6rem 0; display: flex; flex-wrap: wrap;
  gap: 0.2rem 1.1rem; border-block: 1px solid var(--line); font-size: 0.88rem; }
section { margin-top: 2.4rem; scroll-margin-top: 1rem; }
.warnings { list-style: none; padding: 0; margin: 0; display: grid; gap: 0.6rem; }
.warnings li { background: var(--warn); border-left: 4px solid var(--warn-line);
  border-radius: 0.3rem; padding: 0.65rem 0.9rem; }
.warnings p { max-width: none; margin: 0; }
.warnings .says { font-weight: 600; }
.warnings .do { color: var(--soft); }
.warnings .do b { color: var(--ink); font-weight: 600; margin-right: 0.35rem; }
.warnings .about { display: block; font-size: 0.85rem; }
.verdict { border-left: 6px solid var(--soft); padding-left: 1rem; }
.verdict.regression, .verdict.errors { border-color: var(--mark); }
.verdict.pass { border-color: var(--accent); }
.verdict.inconclusive, .verdict.no-evidence { border-color: var(--warn-line); }
.flips { display: grid; gap: 0.5rem; }
.flip { border: 1px solid var(--line); border-left: 4px solid var(--accent);
  border-radius: 0.4rem; padding: 0.5rem 0.8rem; overflow-wrap: anywhere; }
.flip.regressed { border-left-color: var(--mark); }
.flip summary { cursor: pointer; }
.flip h3 { font-size: 0.85rem; margin: 0.4rem 0 0.2rem; }
.asked { margin: 0.4rem 0; max-width: none; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 0.4rem 1.2rem; }
.sides > div { min-width: 0; }
pre { margin: 0; padding: 0.5rem 0.6rem; background: var(--panel); border-radius: 0.3rem;
  font: 0.82rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.reasons { margin: 0.4rem 0 0; padding-left: 1.1rem; font-size: 0.85rem; color: var(--soft); }
.tables { columns: 2 24rem; column-gap: 2.2rem; }
.table { margin: 0 0 1.3rem; break-inside: avoid; }
.table.wide, .table.long, .table:only-child { column-span: all; }
.scroll { position: relative; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0 0.35rem; overflow-wrap: anywhere; }
th, td { text-align: left; padding: 0.32rem 0.9rem 0.32rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 500; font-size: 0.8rem; vertical-align: bottom; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 8.5rem; }
td { overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap;
  overflow-wrap: normal; }
.plot { width: 34%; min-width: 6rem; vertical-align: middle; padding-left: 0.3rem; }
.wide .plot { width: 18%; }
.wide td { overflow-wrap: break-word; }
.plot svg { display: block; width: 100%; height: 14px; }
.ground { fill: var(--line); opacity: 0.55; }
.fill { fill: var(--accent); }
.range { fill: var(--range); }
.mark { fill: var(--mark); }
.unknown { color: var(--soft); font-style: italic; font-weight: 400; }
.more { font-size: 0.85rem; color: var(--soft); margin: 0.3rem 0 0; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
a:focus-visible, .scroll:focus-visible, summary:focus-visible {
  outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 45rem) { .sides { grid-template-columns: 1fr; } }
@media (max-width: 30rem) {
  main { padding: 1.5rem 1rem 3rem; }
  .plot { min-width: 4rem; width: 22%; }
}
footer { margin-top: 3rem; padding-top: 0.8rem; border-top: 1px solid var(--line);
  font-size: 0.82rem; color: var(--soft); }
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #cccccc; --panel: #ffffff;
    --accent: #1f5fa8; --range: #9dbfe4; --mark: #b4400a; --warn: #ffffff;
  }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  body { font-size: 10.5pt; }
  .scroll { overflow: visible; }
  .wide table { font-size: 0.76rem; }
  .wide th, .wide td { white-space: normal; min-width: 0; padding-right: 0.5rem; }
  .wide tbody th { min-width: 6.2rem; }
  .wide .plot { min-width: 3.5rem; width: 12%; }
  h2, caption { break-after: avoid; }
  tr, .tiles li, .warnings li, .flip { break-inside: avoid; }
  svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
