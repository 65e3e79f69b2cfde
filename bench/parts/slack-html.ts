/** What Slack holds, plainly as HTML: every kind of block that we post, and nothing of Slack's own looks. */
import { type Markup, markup, trusted } from '../../src/surfaces/page/markup.ts';
import type { SlackMessage, Workspace } from '../../test/support/slack/workspace.ts';

type Json = Record<string, unknown>;

/** A message as it stood at a moment; `threaded` where it is an answer to the one before. */
export type Recorded = { message: SlackMessage; threaded?: boolean };

const names: Record<string, string> = { U0DAY: 'day-shift', U0NIGHT: 'night-shift', U0KEEPER: 'Groundskeeper' };
const dots: Record<string, string> = {
  large_green_circle: '#009e73',
  large_yellow_circle: '#e69f00',
  red_circle: '#d55e00',
};
const taskMarks: Record<string, string> = { complete: '✓', error: '✗', in_progress: '…', pending: '…' };

/** Pixels. */
export const pageWidth = 760;

const style = `
* { box-sizing: border-box } body { margin: 0; padding: 14px 18px; width: ${pageWidth}px; background: #fff; color: #1d1c1d; font: 15px/1.45 "DejaVu Sans Condensed", "DejaVu Sans", sans-serif }
article { display: grid; grid-template-columns: 40px 1fr; gap: 0 10px; margin: 0 0 14px } article.threaded { margin-left: 40px; padding-left: 12px; border-left: 2px solid #ddd }
.face { width: 36px; height: 36px; border-radius: 18px; color: #fff; font-weight: bold; text-align: center; line-height: 36px } .who { font-weight: bold } .app { font: 11px sans-serif; background: #e8e8e8; border-radius: 3px; padding: 1px 4px; margin-left: 5px; color: #555 }
.alone { color: #666; font-size: 13px; grid-column: 2 } h3 { font-size: 17px; margin: 6px 0 4px } p { margin: 3px 0; white-space: pre-wrap; overflow-wrap: anywhere } .context { color: #666; font-size: 13px }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 16px; margin: 5px 0 } .fields p { margin: 0; font-size: 14px } pre { background: #f6f6f6; border: 1px solid #ddd; border-radius: 4px; padding: 6px 8px; margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.4 "DejaVu Sans Mono", monospace }
ul { margin: 3px 0; padding-left: 22px } .tasks { border: 1px solid #ddd; border-radius: 6px; padding: 5px 10px; margin: 4px 0; font-size: 14px } .tasks b { color: #007a5a }
.buttons span { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px; margin: 4px 8px 4px 0; font-weight: bold; font-size: 14px } .buttons .primary { background: #007a5a; border-color: #007a5a; color: #fff } .buttons .danger { border-color: #c0392b; color: #c0392b }
i.dot { display: inline-block; width: 11px; height: 11px; border-radius: 6px; margin-right: 2px } img { display: block; width: 640px; max-width: 100%; border: 1px solid #ddd; border-radius: 6px; margin: 5px 0 }`;

export function pageOf(recorded: Recorded[], files: Workspace['uploads']): string {
  const body = recorded.map(each => messageMarkup(each, files));
  return markup`<!doctype html><html lang="en"><meta charset="utf-8"><style>${trusted(style)}</style><body>${body}</body></html>`.toString();
}

function messageMarkup({ message, threaded }: Recorded, files: Workspace['uploads']): Markup {
  const { user, text, blocks, stream, ephemeralTo } = message;
  const name = names[user] ?? user;
  const ours = user === 'U0KEEPER';
  const color = trusted(ours ? '#1f4d3a' : user === 'U0DAY' ? '#0072b2' : '#5b3f8c');
  const words = stream?.text
    ? markdownMarkup(stream.text)
    : blocks.length > 0 || message.files.length > 0
      ? ''
      : sentence(text);
  return markup`<article class="${threaded ? 'threaded' : ''}">
<div class="face" style="background:${color}">${name.slice(0, 1).toUpperCase()}</div>
<div>${ephemeralTo ? markup`<div class="alone">Only ${names[ephemeralTo] ?? ''} sees this</div>` : ''}<span class="who">${name}</span>${ours ? markup`<span class="app">app</span>` : ''}
${stream && stream.tasks.size > 0 ? tasksMarkup([...stream.tasks.values()]) : ''}${words}
${blocks.map(blockMarkup)}${message.files.map(({ id }) => imageMarkup(files.get(id)?.bytes))}</div></article>`;
}

function sentence(text: string): Markup {
  return markup`<p>${unescaped(text).replace('<@U0KEEPER>', '@Groundskeeper')}</p>`;
}

function tasksMarkup(tasks: Json[]): Markup {
  return markup`<div class="tasks">${tasks.map(
    ({ title, status }) => markup`<div><b>${taskMarks[String(status)] ?? ''}</b> ${unescaped(String(title))}</div>`,
  )}</div>`;
}

function blockMarkup(block: Json): Markup {
  switch (block.type) {
    case 'header':
      return markup`<h3>${textOf(block.text)}</h3>`;
    case 'section':
      return Array.isArray(block.fields)
        ? markup`<div class="fields">${block.fields.map(field => linesMarkup(textOf(field)))}</div>`
        : linesMarkup(textOf(block.text));
    case 'context':
      return markup`<div class="context">${(block.elements as Json[]).map(element => linesMarkup(textOf(element)))}</div>`;
    case 'actions':
      return markup`<div class="buttons">${(block.elements as Json[]).map(
        ({ text, style: tone }) => markup`<span class="${String(tone ?? '')}">${textOf(text)}</span>`,
      )}</div>`;
    case 'markdown':
      return markdownMarkup(String(block.text));
    case 'rich_text':
      return markup`${(block.elements as Json[]).map(richMarkup)}`;
    default:
      throw new Error(`no picture shows a block of the type ${String(block.type)}`);
  }
}

function richMarkup({ type, elements }: Json): Markup {
  const inner = elements as Json[];
  if (type === 'rich_text_list')
    return markup`<ul>${inner.map(item => markup`<li>${(item.elements as Json[]).map(spanMarkup)}</li>`)}</ul>`;
  if (type === 'rich_text_preformatted') return markup`<pre>${inner.map(spanMarkup)}</pre>`;
  return markup`<p>${inner.map(spanMarkup)}</p>`;
}

function spanMarkup({ type, name, text, style: look }: Json): Markup {
  if (type === 'emoji') return markup`<i class="dot" style="background:${trusted(dots[String(name)] ?? '#888')}"></i>`;
  const { bold, italic } = (look ?? {}) as { bold?: boolean; italic?: boolean };
  const words = broken(String(text));
  return bold ? markup`<b>${words}</b>` : italic ? markup`<em>${words}</em>` : words;
}

function markdownMarkup(text: string): Markup {
  return linesMarkup(unescaped(text));
}

function linesMarkup(text: string): Markup {
  return markup`<p>${broken(text)}</p>`;
}

/** A template keeps no line break of a text. */
function broken(text: string): Markup {
  return markup`${text.split('\n').map((line, index) => (index === 0 ? markup`${line}` : markup`<br>${line}`))}`;
}

function imageMarkup(bytes: Buffer | undefined): Markup {
  return markup`<img alt="" src="data:image/png;base64,${(bytes ?? Buffer.alloc(0)).toString('base64')}">`;
}

function textOf(value: unknown): string {
  return String((value as { text?: string } | undefined)?.text ?? '');
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
