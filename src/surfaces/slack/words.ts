/**
 * What a person wrote in Slack as they meant it: without the mention that called us, links as text, characters unescaped. Whom
 * or which channel they named is told by its ID: the name is whatever somebody else gave it, and no word of theirs.
 */
import { unescaped } from './blocks/text.ts';

/** `bot` is our own member ID. */
export function wordsOf(text: string, bot: string): string {
  const bare = text.replaceAll(`<@${bot}>`, ' ').replace(/<([^<>]*)>/g, (_whole, inner: string) => reference(inner));
  return unescaped(bare)
    .replace(/[ \t]{2,}/g, ' ')
    .trim();
}

/** Slack writes `bos-w-1.example` as a link to itself: what stood there is meant. */
function reference(inner: string): string {
  const [target = '', label] = inner.split('|', 2);
  if (/^[@#!]/.test(target)) return target;
  if (label === undefined) return target.replace(/^(?:mailto|tel):/, '');
  return target.replace(/^(?:https?:\/\/|mailto:|tel:)/, '').replace(/\/$/, '') === label
    ? label
    : `${label} (${target})`;
}
