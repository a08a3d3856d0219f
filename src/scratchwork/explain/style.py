"""How a page looks: calm colours for paper, for a dark screen and for print, and lines that a phone can hold."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #20262c; --soft: #5a646e; --rule: #e3dfd6; --shade: #f3f1eb;
  --input: #5a646e; --forward: #1f62a8; --loss: #7446a0; --backward: #b04a14; --update: #23744f;
  --plus: 196 84 32; --minus: 38 104 180;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f24; --ink: #e3e6e9; --soft: #9aa5af; --rule: #2d343c; --shade: #20252b;
    --input: #9aa5af; --forward: #7db4f0; --loss: #c5a3ea; --backward: #f19b6c; --update: #79c8a2;
    --plus: 236 128 72; --minus: 92 158 232;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 1.25rem 4rem; max-width: 58rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2, h3 { line-height: 1.25; font-weight: 650; text-wrap: balance; }
h1 { font-size: 1.9rem; margin: .2rem 0 .6rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 3.2rem 0 .4rem; color: var(--tone); }
h3 { font-size: 1.12rem; margin: 0 0 .6rem; }
p { margin: .6rem 0; max-width: 44rem; }
a { color: var(--forward); text-underline-offset: .15em; text-decoration-thickness: .06em; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--forward);
  outline-offset: 2px; border-radius: 3px; }
code, pre, .path { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: .88em; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; display: inline-block; padding: .5rem 0; }
.eyebrow { margin: 2.4rem 0 0; color: var(--soft); font-size: .85rem; letter-spacing: .04em; }
.input { --tone: var(--input); } .forward { --tone: var(--forward); } .loss { --tone: var(--loss); }
.backward { --tone: var(--backward); } .update { --tone: var(--update); }
.subject, .example, .check { --tone: var(--forward); } .check { --tone: var(--update); }
.phase > p { color: var(--soft); margin: 0 0 1rem; }

section {
  margin: 1rem 0; padding: 1.1rem 1.25rem 1.2rem; background: var(--card); border: 1px solid var(--rule);
  border-left: 4px solid var(--tone); border-radius: 6px; scroll-margin-top: 1rem;
}
section:target { box-shadow: 0 0 0 2px var(--tone); }
section > header { display: flex; flex-wrap: wrap; gap: .1rem 1rem; align-items: baseline; justify-content: space-between; }
section > header h3 { min-width: 0; }
section > header p { margin: 0; font-size: .85rem; }
section > header a { color: var(--soft); }

.eq { margin: .7rem 0; overflow-x: auto; overflow-y: hidden; padding: .15rem 0; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "Libertinus Math", "DejaVu Math TeX Gyre",
  math; font-size: 1.1rem; }
math[display="block"] { display: block math; width: max-content; text-align: left; margin: .25rem 0; }
math .bold { font-weight: 700; }
mtd { padding: .25em .4em; text-align: right; text-align: -webkit-right; }
mtable[columnalign] mtd { text-align: left; text-align: -webkit-left; }
.general math { font-size: 1.2rem; }
.put-in { padding: .2rem 0 .2rem .9rem; margin: 0; border-left: 2px solid var(--rule); }
.put-in:has(mfrac) { padding-top: .4rem; padding-bottom: .4rem; }
.put-in span.note { margin-left: .6rem; }
.put-in div.note { margin: .1rem 0 0; }
.put-in:has(+ :not(.put-in)) { margin-bottom: .7rem; }
.note { color: var(--soft); font-size: .9rem; margin: .15rem 0; }

figure { margin: .9rem 0; }
figcaption { font-size: .9rem; color: var(--soft); margin-bottom: .35rem; }
figcaption b { color: var(--ink); font-weight: 650; }
.result > figcaption b { color: var(--tone); }
.row { display: flex; flex-wrap: wrap; gap: .2rem 2.2rem; align-items: flex-start; }
.row > figure, .row > details { max-width: 100%; min-width: 0; }
.scroll { overflow-x: auto; max-width: 100%; }
.scroll, .eq { /* a shadow at the edge where there is more to see */
  background:
    linear-gradient(90deg, var(--card) 40%, transparent) left / 24px 100% local no-repeat,
    linear-gradient(-90deg, var(--card) 40%, transparent) right / 24px 100% local no-repeat,
    linear-gradient(90deg, rgb(128 128 128 / .35), transparent) left / 7px 100% scroll no-repeat,
    linear-gradient(-90deg, rgb(128 128 128 / .35), transparent) right / 7px 100% scroll no-repeat;
}
.ways .eq { background: none; }
table { border-collapse: separate; border-spacing: 0; font-size: .92rem; }
caption { text-align: left; color: var(--soft); font-size: .9rem; padding-bottom: .3rem; }
.m { margin: 0 .1rem; }
.m td { padding: .18rem .6rem; text-align: right; white-space: nowrap; }
.m tbody td:first-of-type { border-left: 1.5px solid var(--ink); }
.m tbody td:last-of-type { border-right: 1.5px solid var(--ink); }
.m tbody td {
  background-image: var(--tl, none), var(--bl, none), var(--tr, none), var(--br, none); background-repeat: no-repeat;
  background-position: left top, left bottom, right top, right bottom; background-size: 6px 1.5px;
}
.m tbody tr:first-child > td:first-of-type { --tl: linear-gradient(var(--ink) 0 0); }
.m tbody tr:last-child > td:first-of-type { --bl: linear-gradient(var(--ink) 0 0); }
.m tbody tr:first-child > td:last-of-type { --tr: linear-gradient(var(--ink) 0 0); }
.m tbody tr:last-child > td:last-of-type { --br: linear-gradient(var(--ink) 0 0); }
.m th { font-weight: 400; font-size: .8rem; color: var(--soft); padding: .1rem .6rem; text-align: right;
  white-space: nowrap; }
.m td.p { background-color: rgb(var(--plus) / calc(var(--s) * .3)); }
.m td.n { background-color: rgb(var(--minus) / calc(var(--s) * .3)); }
.m td.gap { color: var(--soft); text-align: center; }
.pad { visibility: hidden; }
.map-img, .picture img { display: block; image-rendering: pixelated; max-width: 100%; border: 1px solid var(--rule);
  border-radius: 2px; }
.picture { margin: 0; flex: 0 1 11rem; min-width: 0; }
.picture img { width: 100%; height: auto; }
.picture figcaption { margin: .3rem 0 0; line-height: 1.3; }
.pictures { display: flex; gap: .6rem; align-items: flex-start; margin: .9rem 0; }
.pictures .sign { font-size: 1.4rem; color: var(--soft); align-self: center; margin-bottom: 2.6rem; }
.grid td, .grid th { padding: .25rem .8rem .25rem 0; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
.grid td.word, .grid th.word { text-align: left; }
.grid th { font-weight: 600; color: var(--soft); font-size: .85rem; }

.product { margin: .8rem 0; }
.product svg { display: block; max-width: 100%; height: auto; font-size: 12px; }
.product rect { fill: var(--shade); stroke: var(--soft); stroke-width: 1.2; }
.product .made { fill: color-mix(in srgb, var(--tone) 18%, var(--card)); stroke: var(--tone); }
.product text { fill: var(--ink); text-anchor: middle; }
.product .size { fill: var(--soft); font-size: 11px; }
.product .inner { fill: var(--tone); font-weight: 700; }

details { margin: .7rem 0; }
summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
summary:hover { color: var(--ink); }
.answer { border: 1px dashed var(--tone); border-radius: 6px; padding: .35rem .8rem; }
.answer > summary { color: var(--tone); font-weight: 600; }
.inline { display: inline-block; vertical-align: middle; margin: 0 .4rem; padding: 0 .5rem; }
.source pre {
  margin: .4rem 0 0; padding: .6rem .8rem; background: var(--shade); border-radius: 5px; overflow-x: auto;
  font-size: .8rem; line-height: 1.5; tab-size: 4;
}
.source code { font-size: inherit; }
.ln { display: inline-block; width: 3.2em; margin-left: -.2em; color: var(--soft); opacity: .75; user-select: none; }
.rem { color: var(--soft); font-style: italic; }
.ways { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); gap: .8rem; margin: .8rem 0; }
.ways > div { min-width: 0; padding: .6rem .9rem; background: var(--shade); border-radius: 5px; }
.ways h4 { margin: 0; font-size: .85rem; font-weight: 650; color: var(--soft); }
.ways .stable h4 { color: var(--update); }
.ways .naive h4 { color: var(--backward); }
.fails { padding-left: .9rem; border-left: 2px solid var(--backward); }

.map { margin: 1.4rem 0 0; overflow-x: auto; padding: .2rem .2rem .6rem; }
.map ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .45rem 1.35rem; width: max-content;
  min-width: min(100%, 20rem); }
.map li { position: relative; }
.map a {
  display: block; height: 100%; padding: .35rem .7rem; border: 1px solid var(--rule); border-top: 3px solid var(--tone);
  border-radius: 5px; background: var(--card); color: var(--ink); text-decoration: none; font-size: .85rem; line-height: 1.35;
}
.map a:hover { border-color: var(--tone); }
.map b { display: block; font-weight: 600; }
.map small { color: var(--soft); font-size: .78rem; }
.map li { grid-row: var(--r); grid-column: var(--c); }
.map .to::after, .map .back::before { position: absolute; color: var(--tone); line-height: 1; }
.map .to::after { content: "→"; right: -1.25rem; top: calc(50% - .5em); }
.map .back::before { content: "←"; left: -1.25rem; top: calc(50% - .5em); }
.map.tall li { grid-row: var(--c); grid-column: var(--r); }
.map.tall ol { gap: .75rem 1rem; }
.map.tall a { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline; padding: .15rem .6rem; }
.map.tall .to::after { content: "↓"; right: 50%; top: auto; bottom: -.9em; }
.map.tall .back::before { content: "↑"; left: 50%; top: -.9em; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .2rem 0 0; padding: 0; list-style: none;
  font-size: .82rem; color: var(--soft); }
.key span { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; background: var(--tone);
  margin-right: .4rem; }
.tint { padding: 0 .35em; border-radius: 3px; } .plus { background: rgb(var(--plus) / .3);
  } .minus { background: rgb(var(--minus) / .3); }
body > footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--soft);
  font-size: .85rem; }

@media (max-width: 40rem) {
  .map li { grid-row: var(--c); grid-column: var(--r); }
  .map .to::after { content: "↓"; right: 50%; top: auto; bottom: -.9em; }
  .map .back::before { content: "↑"; left: 50%; top: -.9em; }
  .map ol, .map.tall ol {
    gap: .8rem .45rem; width: 100%; grid-template-columns: minmax(0, 1.2fr) minmax(0, 1fr) minmax(0, 1fr);
  }
  .map a, .map.tall a { display: block; padding: .25rem .45rem; font-size: .78rem; }
  body { padding: 0 .8rem 3rem; }
  h1 { font-size: 1.5rem; }
  section { padding: .9rem .8rem 1rem; }
  .m td, .m th { padding-left: .4rem; padding-right: .4rem; }
}
@media (prefers-color-scheme: dark) { .map-img, .signed img { filter: brightness(1.4); } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #bbb; --shade: #f5f5f5;
    --input: #444; --forward: #1f62a8; --loss: #7446a0; --backward: #b04a14; --update: #23744f;
    --plus: 196 84 32; --minus: 38 104 180; color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  section, figure, .ways, .product { break-inside: avoid; }
  section { box-shadow: none; }
  .scroll, .eq { background: none; }
  .skip, .top { display: none; }
  .map-img, .signed img { filter: none; }
  .eq, .scroll, .map, .source pre { overflow: visible; }
  .source pre { white-space: pre-wrap; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
