/**
 * A tool's answer as the model reads it: what we say in `answer`, what machines
 * and strangers wrote in `quoted`, each with its source and the word untrusted.
 * A name of theirs that has to stand among our words stands between « and ».
 * That is hygiene; what a model makes of it has no authority either way.
 */
import type { Block, Cell } from '../core/document.ts';
import type { FleetError } from '../core/errors.ts';
import { fenced, plainWords } from '../core/plain-words.ts';

export type ToolResult = {
  /** What an answer cites, such as `r3`. */
  result: string;
  tool: string;
  answer: string;
  /** Nothing was read or planned: the answer says why, perhaps in words of the call itself. */
  failed?: true;
  quoted?: { source: string; trust: 'untrusted'; data: string[] }[];
  /** There is more than was shown; the next page, or undefined on the last one. */
  truncated?: { page: number; pages: number };
};

const longestLine = 500;
const longestQuote = 2_000;

/** Pages of at most so many characters of ours; quotes come with the first. */
export function resultPages(head: { result: string; tool: string }, blocks: Block[], pageSize: number): ToolResult[] {
  const lines = blocks.flatMap(linesOf);
  const quoted = blocks.flatMap(block =>
    'untrusted' in block ? [{ source: block.source, trust: 'untrusted' as const, data: quotedLines(block) }] : [],
  );
  const pages = pagesOf(lines, pageSize);
  return pages.map((answer, index) => ({
    ...head,
    answer,
    ...(index === 0 && quoted.length > 0 && { quoted }),
    ...(pages.length > 1 && { truncated: { page: index + 1, pages: pages.length } }),
  }));
}

/** A failure that the model can read. Names of machines and words of the call itself may stand in its message: only its hint is ours alone. */
export function failureResult(head: { result: string; tool: string }, error: FleetError): ToolResult {
  const { code, message, hint, untrusted } = error;
  const answer = [`failed (${code}): ${fenced(words(message))}`, ...(hint ? [`hint: ${hint}`] : [])].join('\n');
  const data = untrusted === undefined ? [] : [plainWords(untrusted, longestLine)];
  return {
    ...head,
    answer,
    failed: true,
    ...(data.length > 0 && { quoted: [{ source: 'the other side', trust: 'untrusted', data }] }),
  };
}

function quotedLines({ untrusted }: { untrusted: string[] }): string[] {
  const kept: string[] = [];
  let size = 0;
  for (const line of untrusted.map(text => plainWords(text, longestLine))) {
    size += line.length;
    if (size > longestQuote) return [...kept, `(${untrusted.length - kept.length} more lines were left out)`];
    kept.push(line);
  }
  return kept;
}

function pagesOf(lines: string[], pageSize: number): string[] {
  const pages: string[] = [];
  let page = '';
  for (const line of lines) {
    if (page !== '' && page.length + line.length > pageSize) {
      pages.push(page);
      page = '';
    }
    page += page === '' ? line.slice(0, pageSize) : `\n${line.slice(0, pageSize)}`;
  }
  return [...pages, page];
}

function linesOf(block: Block): string[] {
  if ('untrusted' in block) return [];
  if ('heading' in block) return [`# ${spoken(block.heading, block)}`];
  if ('text' in block) return block.text.split('\n').map(line => spoken(line, block));
  if ('facts' in block) return block.facts.map(([name, value]) => `${words(name)}: ${cell(value)}`);
  if ('table' in block) {
    const { columns, rows } = block.table;
    return [columns, ...rows].map(row => row.map(cell).join(' | '));
  }
  if ('list' in block) return [...titleOf(block), ...block.list.map(item => `- ${cell(item)}`)];
  if ('bars' in block) {
    const bars = block.bars.map(
      bar => `${spoken(bar.name, bar)}: ${Math.round(bar.share * 100)} % (${words(bar.text)})`,
    );
    return [...titleOf(block), ...bars];
  }
  const { unit, points } = block.plot;
  const shown = points.map(({ at, low, high }) => `${at} ${low === null ? 'not read' : `${low} to ${high} ${unit}`}`);
  return [...titleOf(block), ...shown];
}

function titleOf({ title }: { title?: string }): string[] {
  return title === undefined ? [] : [`${words(title)}:`];
}

function cell(value: Cell): string {
  return typeof value === 'string' ? words(value) : spoken(value.text, value);
}

function spoken(text: string, { foreign }: { foreign?: true }): string {
  return foreign ? fenced(words(text)) : words(text);
}

/** What stands between fences, and the rest. */
export function unfenced(answer: string): { own: string; foreign: string[] } {
  return { own: answer.replace(/«[^»]*»?/g, '«»'), foreign: answer.match(/«[^»]*»?/g) ?? [] };
}

function words(text: string): string {
  return plainWords(text, longestLine);
}
