/** What people and a model said to each other, and what it cost. */
import type { ModelMessage, Tokens } from './model.ts';

export type Conversation = {
  id: string;
  /** Whose it is: nobody else adds to it or reads it. */
  person: string;
  messages: ModelMessage[];
  /** Results given so far; the next one is r<results + 1>. */
  results: number;
  tokens: Tokens;
  /** Moves with every turn, so that two at once are told from each other. */
  version: number;
};

export type ConversationStore = {
  /** Undefined where there is none of that id. */
  get(id: string): Promise<Conversation | undefined>;
  /** Stores a turn; throws `conflict` when another turn ended since `version` was read. */
  put(conversation: Conversation): Promise<void>;
  /** Adds what one reply took. */
  spend(model: string, tokens: Tokens): Promise<void>;
  /** Of the present day, UTC. */
  spentToday(model: string): Promise<Tokens>;
};
