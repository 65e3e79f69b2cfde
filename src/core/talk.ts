/** A question to the assistant and what comes of it, as surfaces see it. */
import type { Block } from './document.ts';
import type { Tokens } from './model.ts';
import type { Caller } from './tool.ts';

/** A result that an answer stands on, and the call that gave it. */
export type Source = { result: string; tool: string; input: string };

export type TurnEvent =
  | { kind: 'text'; text: string }
  /** What came of the text so far is void: it is said anew. */
  | { kind: 'again' }
  | { kind: 'call'; result: string; tool: string; input: string }
  | { kind: 'result'; result: string; tool: string; ok: boolean; blocks: Block[] };

export type Turn = {
  conversation: string;
  text: string;
  /** The results that the answer names, with the calls that gave them. */
  cited: Source[];
  /** Results that it names and that there are not. */
  unread: string[];
  /** Why the turn ended before the model had its last word. */
  ended?: string;
  model: string;
  tokens: Tokens;
  cost?: number;
};

export type Question = {
  caller: Caller;
  /** Of an earlier turn; a new conversation when left out. */
  conversation?: string;
  text: string;
  signal?: AbortSignal;
  onEvent?(event: TurnEvent): void;
};

export type Assistant = {
  model: string;
  /** Throws model_unavailable, not_found and conflict; what was read before is told by `onEvent`. */
  ask(question: Question): Promise<Turn>;
  /** A few words about the facts of a digest, under the model's name. Throws model_unavailable. */
  summarise(facts: Block[]): Promise<string>;
};
