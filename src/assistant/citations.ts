/** What an answer stands on: results that it names in brackets, held against those that there are. */
import type { Source } from '../core/talk.ts';

const citation = /\[(r\d+(?:\s*,\s*r\d+)*)\]/g;

/** The results that the text names, in its order, and what it names without having read it. */
export function citedIn(text: string, known: Source[]): { cited: Source[]; unread: string[] } {
  const named = new Set([...text.matchAll(citation)].flatMap(([, list = '']) => list.split(/\s*,\s*/)));
  const byId = new Map(known.map(source => [source.result, source]));
  return {
    cited: [...named].flatMap(name => byId.get(name) ?? []),
    unread: [...named].filter(name => !byId.has(name)),
  };
}
