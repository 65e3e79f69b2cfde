/**
 * A language model as the rest of the program knows it: it is shown messages
 * and tools, and answers with words and wishes for calls. It has no authority,
 * and nothing that it says is trusted.
 */
import { FleetError } from './errors.ts';

/** A call that the model wishes for. `input` is text of the model's: whether it is JSON is for the reader to find out. */
export type ModelCall = { id: string; tool: string; input: string };

export type ModelMessage =
  | { role: 'system'; text: string }
  | { role: 'person'; text: string }
  | { role: 'model'; text: string; calls: ModelCall[] }
  /** Each call has one, or providers refuse the conversation. */
  | { role: 'result'; call: string; text: string };

/** A tool as it is shown; `input` is JSON Schema. */
export type ToolOffer = { name: string; description: string; input: Record<string, unknown> };

export type Tokens = { input: number; output: number };

export type ModelReply = { text: string; calls: ModelCall[] };

export type ModelRequest = {
  messages: ModelMessage[];
  tools: ToolOffer[];
  signal: AbortSignal;
  /** Words as they come. A reply that had to be asked for again begins anew: what came before it is void. */
  onText?(piece: { text: string } | { again: true }): void;
  /** Before a second attempt; what it throws ends the reply. */
  onAgain?(): void;
  /** What each attempt took, also of a reply that then throws: estimated where nobody counted, and nothing where it was refused. */
  onTokens?(tokens: Tokens): void;
};

/** The model was shown more than it takes: with less, the same question may pass. */
export class ContextExceeded extends FleetError {}

export type Model = {
  /** As the operator calls it in the configuration. */
  name: string;
  /** Throws model_unavailable, as ContextExceeded where it was shown too much; `timeout` or `stopped` where the signal ended it. A reply that was cut has no calls: it throws. */
  reply(request: ModelRequest): Promise<ModelReply>;
};
