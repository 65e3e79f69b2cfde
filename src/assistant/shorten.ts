/**
 * What of a conversation the model is shown. Older turns are told in few words,
 * made without a model: what they read is read again where it matters, since
 * it may have changed. The newest turn keeps all its words; where it alone is too
 * long, its results give way, the oldest first.
 */
import type { ModelMessage } from '../core/model.ts';
import type { ToolResult } from './result-text.ts';

const longestWords = 300;

/** At most about so many characters, unless what was said in the newest turn alone has more. */
export function shorten(messages: ModelMessage[], mostCharacters: number): ModelMessage[] {
  const turns = turnsOf(messages);
  for (let told = 0; told < turns.length; told++) {
    const shown = turns.flatMap((turn, index) => (index < told ? inFewWords(turn) : turn));
    if (sizeOf(shown) <= mostCharacters) return shown;
  }
  const newest = turns.at(-1) ?? [];
  for (let dropped = 0; dropped < turns.length; dropped++) {
    const shown = [...turns.slice(dropped, -1).flatMap(inFewWords), ...newest];
    if (sizeOf(shown) <= mostCharacters) return shown;
  }
  return withFewerResults(newest, mostCharacters);
}

/** Each has a note in its place, since its call may not stand without one. */
function withFewerResults(turn: ModelMessage[], mostCharacters: number): ModelMessage[] {
  let size = sizeOf(turn);
  return turn.map(message => {
    if (message.role !== 'result' || size <= mostCharacters) return message;
    const { result, tool } = JSON.parse(message.text) as ToolResult;
    const answer = 'left out here to save room: read it again where it matters';
    const note = { ...message, text: JSON.stringify({ result, tool, answer } satisfies ToolResult) };
    const saved = sizeOf([message]) - sizeOf([note]);
    if (saved <= 0) return message;
    size -= saved;
    return note;
  });
}

/** Each begins with what the person said. */
function turnsOf(messages: ModelMessage[]): ModelMessage[][] {
  const turns: ModelMessage[][] = [];
  for (const message of messages) {
    if (message.role === 'person' || turns.length === 0) turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns;
}

/** The person's words and the last answer; calls and results go together, since none may stand without the other. */
function inFewWords(turn: ModelMessage[]): ModelMessage[] {
  const tools = [
    ...new Set(turn.flatMap(message => (message.role === 'model' ? message.calls.map(call => call.tool) : []))),
  ];
  const answer = turn.findLast(message => message.role === 'model' && message.text !== '');
  const said = turn
    .filter(message => message.role === 'person')
    .map(message => ({ ...message, text: cut(message.text) }));
  const read =
    tools.length > 0 ? ` (what ${tools.join(', ')} told then is left out here: read it again where it matters)` : '';
  return [...said, { role: 'model', text: `${cut(answer?.text ?? 'no answer')}${read}`, calls: [] }];
}

function cut(text: string): string {
  return text.length <= longestWords ? text : `${text.slice(0, longestWords)}…`;
}

/** Characters, as JSON. */
export function sizeOf(messages: ModelMessage[]): number {
  return JSON.stringify(messages).length;
}
