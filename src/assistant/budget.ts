/** How much a turn, a conversation and a day may take. What is used up ends the turn; it is never overdrawn by a loop. */
import { FleetError } from '../core/errors.ts';
import type { ModelCall, Tokens } from '../core/model.ts';

export type TurnLimits = {
  modelCalls: number;
  toolCalls: number;
  /** Reads under way at once. */
  parallel: number;
  turnMs: number;
  /** The same call so often ends the turn. */
  sameCalls: number;
};

export const turnLimits: TurnLimits = { modelCalls: 12, toolCalls: 24, parallel: 6, turnMs: 120_000, sameCalls: 3 };

export type Ceilings = {
  /** Tokens of one conversation, and of all of a day. */
  perConversation: number;
  perDay: number;
  /** In the currency of the prices; no ceiling when left out. */
  costPerDay?: number;
  /** For a million tokens. */
  prices?: { input: number; output: number };
};

/** Undefined where nobody said what tokens cost. */
export function costOf({ input, output }: Tokens, prices: Ceilings['prices']): number | undefined {
  return prices && (input * prices.input + output * prices.output) / 1_000_000;
}

export function sum(a: Tokens, b: Tokens): Tokens {
  return { input: a.input + b.input, output: a.output + b.output };
}

/** Throws model_unavailable where another reply would be beyond a ceiling. */
export function checkCeilings(
  { conversation, today }: { conversation: Tokens; today: Tokens },
  ceilings: Ceilings,
): void {
  const over = (what: string, hint: string) => new FleetError({ code: 'model_unavailable', message: what, hint });
  if (total(conversation) >= ceilings.perConversation)
    throw over(
      `this conversation has used its ${ceilings.perConversation} tokens`,
      'begin another one; an administrator sets assistant.tokensPerConversation',
    );
  if (total(today) >= ceilings.perDay)
    throw over(
      `all conversations of today (UTC) have used ${ceilings.perDay} tokens`,
      'commands work without the model; an administrator sets assistant.tokensPerDay',
    );
  const cost = costOf(today, ceilings.prices);
  if (cost !== undefined && ceilings.costPerDay !== undefined && cost >= ceilings.costPerDay)
    throw over(
      `all conversations of today (UTC) have cost ${ceilings.costPerDay}`,
      'commands work without the model; an administrator sets assistant.costPerDay',
    );
}

/** Counts within one turn. */
export class TurnCount {
  readonly #limits: TurnLimits;
  readonly #same = new Map<string, number>();
  #modelCalls = 0;
  #toolCalls = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Counts another reply; why there is none, or undefined. */
  modelCall(): string | undefined {
    this.#modelCalls += 1;
    const { modelCalls } = this.#limits;
    return this.#modelCalls > modelCalls ? `after ${modelCalls} replies of the model` : undefined;
  }

  /** Counts the calls of one reply; why they are not carried out, or undefined. */
  toolCalls(calls: ModelCall[]): string | undefined {
    this.#toolCalls += calls.length;
    const { toolCalls, sameCalls } = this.#limits;
    if (this.#toolCalls > toolCalls) return `before more than ${toolCalls} calls of tools`;
    for (const { tool, input } of calls) {
      const key = `${tool} ${input}`;
      const times = (this.#same.get(key) ?? 0) + 1;
      this.#same.set(key, times);
      if (times >= sameCalls) return `when ${tool} was called ${times} times with the same input`;
    }
    return undefined;
  }
}

function total({ input, output }: Tokens): number {
  return input + output;
}
