"""Style: how a page looks, light and dark, on a phone, on a desk and on paper."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["POLICY", "STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f7f7f5; --card: #ffffff; --ink: #1c2126; --soft: #545d66; --line: #dfe2e5;
  --link: #0b5cad; --mark: #fff1c9; --bad: #a8201a;
  --c0: #1f66c1; --c1: #b4540a; --c2: #1d7c46; --c3: #9c36a6;
  --c4: #7d6608; --c5: #0f7583; --c6: #c22f3d; --c7: #5b6470;
  --right: #dcefdf; --s1: #fdebe2; --s2: #fbd8c7; --s3: #f8c3aa; --s4: #f4ad8d; --s5: #ee9570;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1d2125; --ink: #e8eaec; --soft: #a4adb6; --line: #363c43;
    --link: #86bbff; --mark: #3b331c; --bad: #ff9d94;
    --c0: #78b0ff; --c1: #ffae6b; --c2: #74d199; --c3: #e59bee;
    --c4: #dcc24c; --c5: #66cfdd; --c6: #ff919b; --c7: #b6bec7;
    --right: #1f4029; --s1: #36251f; --s2: #492a20; --s3: #5e3022; --s4: #743624; --s5: #8b3c26;
  }
  img { filter: invert(0.92); }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0 auto; max-width: 78rem; padding: 1.5rem clamp(0.9rem, 4vw, 2.5rem) 3rem;
  background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
    sans-serif;
}
h1, h2, h3 { line-height: 1.25; font-weight: 600; text-wrap: balance; }
h1 { font-size: 1.75rem; margin: 0 0 0.25rem; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 0.9rem; }
h3 { font-size: 1rem; margin: 0 0 0.5rem; }
p { margin: 0 0 0.5rem; max-width: 46rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus {
  left: 1rem; top: 1rem; z-index: 1; padding: 0.5rem 0.9rem; background: var(--card);
}
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.note { color: var(--soft); font-size: 0.875rem; }
.lead { color: var(--soft); margin-bottom: 0; }
.bad { color: var(--bad); font-size: 0.875rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.25rem; padding: 0; margin: 1rem 0 0; }
nav li { list-style: none; }
nav a { display: inline-block; padding: 0.25rem 0; }
.charts, .columns {
  display: grid; gap: 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr));
}
.charts > *, .columns > * { min-width: 0; }
.card, .chart {
  margin: 0; padding: 1rem 1.1rem 0.9rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px;
}
section > * + .card, section > * + .columns { margin-top: 1.25rem; }
section > h2 + * { margin-top: 0; }
.legend {
  display: flex; flex-wrap: wrap; gap: 0.15rem 1.25rem; margin: 0; padding: 0;
  font-size: 0.875rem;
}
.legend li { list-style: none; }
.legend svg { margin-right: 0.45rem; vertical-align: middle; }
.legend b { font-variant-numeric: tabular-nums; }
.plot { padding: 1.9rem 0.4rem 2.7rem 3.7rem; }
.frame { display: block; width: 100%; height: 15rem; overflow: visible; }
.frame text { fill: var(--soft); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.frame .axis { fill: var(--ink); }
.grid, .tick { stroke: var(--line); stroke-width: 1; }
.curves { overflow: visible; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
.curve, .dot { fill: none; stroke: var(--c); vector-effect: non-scaling-stroke; }
.curve { stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.dashed .curve { stroke-dasharray: 6 5; stroke-linecap: butt; }
.dot { stroke-width: 6; stroke-linecap: round; pointer-events: stroke; }
.shy { stroke: transparent; stroke-width: 12; }
.dot:hover { stroke: var(--c); stroke-width: 10; }
details { margin-top: 0.4rem; }
summary { cursor: pointer; padding: 0.2rem 0; }
.chart summary { color: var(--link); font-size: 0.875rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
caption { text-align: left; color: var(--soft); font-size: 0.875rem; padding: 0 0 0.4rem; }
th, td {
  text-align: left; vertical-align: top; padding: 0.35rem 0.9rem 0.35rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: normal;
}
td { min-width: 5rem; overflow-wrap: break-word; }
th { font-weight: 600; }
tbody th { font-weight: 400; color: var(--soft); }
tbody tr:last-child > * { border-bottom: 0; }
.numbers td, .numbers thead th:not(:first-child) {
  text-align: right; font-variant-numeric: tabular-nums;
}
.numbers tbody th { font-variant-numeric: tabular-nums; }
.facts table { width: 100%; }
.facts tbody th { min-width: 7rem; }
.differs > * { background: var(--mark); }
.differs > :first-child { padding-left: 0.5rem; color: var(--ink); }
.badge {
  margin-left: 0.5rem; padding: 0.05rem 0.45rem; border: 1px solid currentColor;
  border-radius: 1rem; font-size: 0.75rem;
}
.tree { margin: 0; padding: 0; }
.tree .tree { padding-left: 1rem; border-left: 1px solid var(--line); }
.tree li { list-style: none; }
.tree p { margin: 0; }
.tree bdi { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.9rem; }
.tree .note { margin-left: 0.35rem; }
.tree p.note { margin-left: 0; }
.leaf {
  display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 14rem); gap: 0.25rem 1.5rem;
  padding: 0.5rem 0; align-items: center;
}
.histogram { display: block; width: 100%; height: 2.75rem; fill: var(--c0); }
.spread > span {
  display: flex; justify-content: space-between; color: var(--soft); font-size: 0.75rem;
  border-top: 1px solid var(--line); font-variant-numeric: tabular-nums;
}
.confusion {
  width: 100%; max-width: 34rem; table-layout: fixed; font-size: clamp(0.66rem, 2.6vw, 0.9rem);
}
.confusion.numbers tr > th, .confusion.numbers tr > td,
.confusion.numbers thead th:not(:first-child) {
  min-width: 0; padding: 0.4rem 0; text-align: center; border: 0; color: var(--ink);
  white-space: nowrap;
}
.confusion th:first-child { width: 1.2rem; }
.right { background: var(--right); }
.s1 { background: var(--s1); } .s2 { background: var(--s2); } .s3 { background: var(--s3); }
.s4 { background: var(--s4); } .s5 { background: var(--s5); }
.digits {
  display: grid; gap: 0.9rem; padding: 0; margin: 0;
  grid-template-columns: repeat(auto-fill, minmax(5.6rem, 1fr));
}
.digits li { list-style: none; font-size: 0.875rem; line-height: 1.35; }
.digits img {
  display: block; margin-bottom: 0.25rem; image-rendering: pixelated; border-radius: 4px;
}
.digits .note { display: block; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
@media (max-width: 34rem) {
  .leaf { grid-template-columns: minmax(0, 1fr); }
  .frame { height: 12rem; }
  .plot { padding-left: 3.2rem; }
}
@media print { .skip, nav { display: none; } .chart, .card { break-inside: avoid; } }
"""

_SUM = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_SUM}'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
"""What a browser may do for the page: apply this style and show images that are in it."""
