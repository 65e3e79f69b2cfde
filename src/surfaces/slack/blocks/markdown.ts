/**
 * A model's words as Slack's markdown. They keep their lists and bold letters,
 * and lose what acts: mentions, links whose text hides where they lead,
 * pictures that are fetched from wherever the text says.
 */
import { escaped } from './text.ts';

/** Controls but the line break and the tab, bidi and zero-width marks, lone surrogates, line separators. */
const invisible = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * No mention and no link is left: Slack reads `<` of neither, and a bracket
 * that would open an address or define one stands apart from it. Each change
 * is of one place alone, so a text may be changed as it grows.
 */
export function harmlessMarkdown(text: string): string {
  return escaped(text.replaceAll('\r\n', '\n').replace(invisible, '')).replace(/\](?=[(:[])/g, '] ');
}

/** As much of a text that still grows as its end cannot change any more. */
export function settled(text: string): string {
  return text.replace(/[\]\r\ud800-\udbff]+$/, '');
}
