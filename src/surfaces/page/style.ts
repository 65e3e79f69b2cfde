/** The one style sheet. It is in the page, and the page's policy names its digest: nothing else can style or run there. */
import { createHash } from 'node:crypto';

export const style = `
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5a6570; --ground: #fbfbfa; --card: #fff; --line: #d9dde1;
  --good: #1a6b3c; --warn: #8a5300; --bad: #b3161b; --bad-ground: #fdeceb; --warn-ground: #fff5e0; --act: #1f4f8f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ea; --soft: #9aa5b0; --ground: #14171a; --card: #1c2024; --line: #343b42;
    --good: #6fcf97; --warn: #f2c069; --bad: #ff8a84; --bad-ground: #3a1716; --warn-ground: #33270f; --act: #8ab8f5; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; justify-content: space-between;
  padding-top: .9rem; padding-bottom: .9rem; border-bottom: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
header form { display: inline; }
header a { color: var(--ink); font-weight: 600; text-decoration: none; }
main { padding-top: 1.5rem; padding-bottom: 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .6rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .4rem; }
a { color: var(--act); }
p { margin: .5rem 0; }
.lead { color: var(--soft); margin-bottom: 1rem; }
.state { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .65rem; font-size: .85rem; font-weight: 600; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .muted { color: var(--soft); }
.list ul { margin: .3rem 0; padding-left: 1.2rem; } .list li { margin: .15rem 0; overflow-wrap: anywhere; }
.list.bad, .list.warn, .note { border-left: .35rem solid; border-radius: .3rem; padding: .7rem 1rem; margin: 1rem 0; }
.list.bad { background: var(--bad-ground); border-color: var(--bad); color: var(--ink); }
.list.bad h3 { color: var(--bad); font-size: 1.15rem; margin: 0 0 .25rem; } .list.bad li { font-weight: 600; }
.list.warn { background: var(--warn-ground); border-color: var(--warn); color: var(--ink); }
.list.warn h3 { color: var(--warn); margin: 0 0 .25rem; }
.note { border-color: var(--line); background: var(--card); }
dl { margin: .75rem 0; } dl div { display: flex; gap: .25rem 1rem; padding: .3rem 0; border-bottom: 1px solid var(--line); }
dt { flex: 0 0 8.5rem; color: var(--soft); } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: .75rem 0; border: 1px solid var(--line); border-radius: .4rem; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .75rem; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
td:first-child { white-space: nowrap; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
code, pre, .digest { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9em; overflow-wrap: anywhere; }
.decide { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem 1.25rem; margin-top: 1rem; }
label { display: block; font-weight: 600; margin: .8rem 0 .25rem; }
input { width: 100%; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: .35rem; padding: .55rem .7rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.1rem; }
button, .button { font: inherit; font-weight: 600; border-radius: .4rem; border: 2px solid var(--act); padding: .6rem 1.4rem; cursor: pointer;
  background: none; color: var(--act); text-decoration: none; display: inline-block; }
button.yes { border-color: var(--good); color: var(--good); } button.no { border-color: var(--bad); color: var(--bad); }
header button { border: 0; padding: 0; font-weight: 400; color: var(--soft); text-decoration: underline; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
.code { font: 700 2rem/1.3 ui-monospace, Menlo, Consolas, monospace; letter-spacing: .12em; margin: .75rem 0; }
@media (max-width: 36rem) { dl div { display: block; } .buttons > * { flex: 1 1 100%; text-align: center; } h1 { font-size: 1.35rem; } }
`;

/** As a page's Content-Security-Policy names it. */
export const styleDigest = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;
