/** What a person wrote in Slack as they meant it: without the mention that called us, links as text, characters unescaped. */
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
  if (/^[@#!]/.test(target)) return label === undefined ? target : `${target[0]}${label}`;
  if (label === undefined) return target.replace(/^(?:mailto|tel):/, '');
  return target.replace(/^(?:https?:\/\/|mailto:|tel:)/, '').replace(/\/$/, '') === label
    ? label
    : `${label} (${target})`;
}
