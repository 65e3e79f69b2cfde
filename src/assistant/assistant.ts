/**
 * One turn of a conversation: the model is shown what was said and chooses
 * tools until it answers. It has no authority: each call goes through the
 * gateway in the person's name, changes only make plans, and values of changes
 * come from the person or from us. A turn always ends, with words for the
 * person, and every call has a result.
 */
import type { Conversation, ConversationStore } from '../core/conversation.ts';
import type { Block } from '../core/document.ts';
import { FleetError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import {
  ContextExceeded,
  type Model,
  type ModelCall,
  type ModelMessage,
  type ModelReply,
  type ModelRequest,
  type Tokens,
} from '../core/model.ts';
import { plainWords } from '../core/plain-words.ts';
import type { Assistant, Question, Source, Turn } from '../core/talk.ts';
import { type Caller, lesserScope, type Scope, type Tool, toolsWithin } from '../core/tool.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { type Ceilings, checkCeilings, costOf, sum, TurnCount, type TurnLimits } from './budget.ts';
import { carryOut, readMore, TurnMemory } from './carry-out.ts';
import { citedIn } from './citations.ts';
import { offerOf } from './offers.ts';
import type { Prompt } from './prompts.ts';
import { resultPages, type ToolResult } from './result-text.ts';
import { shorten, sizeOf } from './shorten.ts';

export type AssistantParts = {
  model: Model;
  gateway: Gateway;
  catalog: Tool[];
  store: ConversationStore;
  /** The instructions; `digest` is what the custody log says of them. */
  prompt: Prompt;
  digestPrompt: Prompt;
  /** The most that calls of a model may ask for; a person's own scope may be less. */
  scope: Scope;
  ceilings: Ceilings;
  limits: TurnLimits;
  /** Characters of all that the model is shown: instructions, tools and what was said. */
  contextSize: number;
  /** Changes the text that is kept and shown so that it holds no secret of ours. */
  redact(text: string): string;
};

const longestQuestion = 8_000;
const longestSummary = 800;
/** What was said has so many characters even where the instructions and tools leave no room for it. */
const leastRoom = 4_000;
/** Of the room for what was said, one page of a result. */
const pageShare = 1 / 8;

const readMoreOffer = {
  name: readMore,
  description: 'Reads another page of a result of this turn that was truncated.',
  input: {
    type: 'object',
    properties: { result: { type: 'string' }, page: { type: 'integer', minimum: 1 } },
    required: ['result', 'page'],
    additionalProperties: false,
  },
};

export function createAssistant(parts: AssistantParts): Assistant {
  return {
    model: parts.model.name,
    ask: async question => runTurn(parts, await opened(parts.store, question), question),
    summarise: facts => summarise(parts, facts),
  };
}

/** It has no tools; what it says stands below the facts and decides nothing. */
async function summarise(parts: AssistantParts, facts: Block[]): Promise<string> {
  const { model, digestPrompt, store, ceilings, limits, contextSize, redact } = parts;
  const today = await store.spentToday(model.name);
  checkCeilings({ conversation: { input: 0, output: 0 }, today }, ceilings);
  const [told] = resultPages({ result: 'r1', tool: 'digest' }, facts, roomIn(contextSize, digestPrompt.text));
  const { text } = await paid(parts, {
    messages: [
      { role: 'system', text: digestPrompt.text },
      { role: 'person', text: redact(JSON.stringify(told)) },
    ],
    tools: [],
    signal: AbortSignal.timeout(limits.turnMs),
  });
  return `Summary by ${model.name}, a language model, of the facts above: ${plainWords(redact(text), longestSummary)}`;
}

/** A reply, and what it took written down, however it ends. */
async function paid({ model, store }: AssistantParts, request: ModelRequest): Promise<ModelReply> {
  let taken: Tokens = { input: 0, output: 0 };
  const onTokens = (tokens: Tokens) => {
    taken = sum(taken, tokens);
    request.onTokens?.(tokens);
  };
  try {
    return await model.reply({ ...request, onTokens });
  } finally {
    await store.spend(model.name, taken);
  }
}

function roomIn(contextSize: number, ...fixed: string[]): number {
  return Math.max(leastRoom, contextSize - fixed.join('').length);
}

async function opened(store: ConversationStore, { caller, conversation: id, text }: Question): Promise<Conversation> {
  if (text.trim() === '' || text.length > longestQuestion)
    throw new FleetError({ code: 'invalid_input', message: `a question has 1 to ${longestQuestion} characters` });
  const person = caller.person.name;
  if (id === undefined)
    return { id: newId('talk'), person, messages: [], results: 0, tokens: { input: 0, output: 0 }, version: 0 };
  const known = await store.get(id);
  if (known?.person === person) return known;
  throw new FleetError({
    code: 'not_found',
    message: `${person} has no conversation of that id`,
    hint: 'ask without one to begin another',
  });
}

async function runTurn(parts: AssistantParts, conversation: Conversation, question: Question): Promise<Turn> {
  const { model, store, limits, ceilings, prompt, redact } = parts;
  const { caller, onEvent = () => undefined } = question;
  const inTime = AbortSignal.timeout(limits.turnMs);
  const signal = question.signal ? AbortSignal.any([question.signal, inTime]) : inTime;
  const tools = toolsWithin(parts.catalog, lesserScope(caller.scope, parts.scope));
  const offers = [...tools.map(offerOf), readMoreOffer];
  let room = roomIn(parts.contextSize, prompt.text, JSON.stringify(offers));
  const pageSize = Math.floor(room * pageShare);
  let isTight = false;
  const count = new TurnCount(limits);
  const memory = new TurnMemory();
  const messages: ModelMessage[] = [...conversation.messages, { role: 'person', text: redact(question.text) }];
  let { tokens, results } = conversation;
  let spent: Tokens = { input: 0, output: 0 };
  let today: Tokens;

  try {
    return await finish(await answer());
  } catch (thrown) {
    const error = FleetError.from(thrown);
    if (inTime.aborted) return finish({ text: '', ended: `after ${limits.turnMs / 1000} s` });
    await keep(`(no answer: ${error.code})`);
    throw error;
  }

  async function answer(): Promise<{ text: string; ended?: string }> {
    for (;;) {
      const over = count.modelCall();
      if (over !== undefined) return { text: '', ended: over };
      const { text, calls } = await reply();
      if (calls.length === 0) return text.trim() === '' ? { text: '', ended: 'as the model said nothing' } : { text };
      messages.push({ role: 'model', text, calls });
      const refused = count.toolCalls(calls);
      if (refused !== undefined) {
        for (const call of calls) push(call, { tool: call.tool, answer: 'not carried out: the turn has ended' });
        return { text, ended: refused };
      }
      const ends = await carryOut(calls, {
        ...parts,
        ...limits,
        pageSize,
        tools,
        signal,
        messages,
        memory,
        first: results + 1,
        caller: callerOf,
        onCall: (result, { tool, input }) => onEvent({ kind: 'call', result, tool, input }),
        onResult: ({ result: { result, tool }, ok, blocks }) => onEvent({ kind: 'result', result, tool, ok, blocks }),
      });
      for (const [index, call] of calls.entries()) push(call, ends[index] as ToolResult);
    }
  }

  async function reply(): Promise<ModelReply> {
    today = await store.spentToday(model.name);
    check();
    const shown = shorten(messages, room);
    try {
      return await replyTo(shown);
    } catch (thrown) {
      // How many characters a token has is a guess.
      if (!(thrown instanceof ContextExceeded) || isTight) throw thrown;
      isTight = true;
      room = Math.floor(sizeOf(shown) / 2);
      return replyTo(shorten(messages, room));
    }
  }

  function check(): void {
    checkCeilings({ conversation: tokens, today }, ceilings);
  }

  function replyTo(shown: ModelMessage[]): Promise<ModelReply> {
    return paid(parts, {
      messages: [{ role: 'system', text: prompt.text }, ...shown],
      tools: offers,
      signal,
      onAgain: check,
      onText: piece => onEvent('again' in piece ? { kind: 'again' } : { kind: 'text', text: piece.text }),
      onTokens(taken) {
        tokens = sum(tokens, taken);
        spent = sum(spent, taken);
        today = sum(today, taken);
      },
    });
  }

  function push({ id }: ModelCall, result: Omit<ToolResult, 'result'>) {
    results += 1;
    const kept = { result: `r${results}`, ...result };
    // Text by text: what is left must still be JSON.
    const text = JSON.stringify(kept, (_, value) => (typeof value === 'string' ? redact(value) : value));
    messages.push({ role: 'result', call: id, text });
  }

  /** Whose call it is, and that a model wished for it. */
  function callerOf(call: ModelCall, asked: boolean): Caller {
    const agent = { model: model.name, conversation: conversation.id, call: call.id, prompt: prompt.digest };
    return { ...caller, channel: 'assistant', client: caller.channel, agent, asked };
  }

  async function finish({ text, ended }: { text: string; ended?: string }): Promise<Turn> {
    const sources = sourcesIn(messages);
    const said = redact(ended === undefined ? text : endText(text, ended, sources.slice(-limits.toolCalls)));
    await keep(said);
    const cost = costOf(spent, ceilings.prices);
    return {
      conversation: conversation.id,
      text: said,
      ...citedIn(said, sources),
      ...(ended !== undefined && { ended }),
      model: model.name,
      tokens: spent,
      ...(cost !== undefined && { cost }),
    };
  }

  function keep(text: string): Promise<void> {
    messages.push({ role: 'model', text, calls: [] });
    return store.put({ ...conversation, messages, results, tokens });
  }
}

function endText(text: string, ended: string, sources: Source[]): string {
  const read = sources.map(({ result, tool }) => `${tool} [${result}]`).join(', ');
  const said = text === '' ? '' : `${text}\n\n`;
  return `${said}I stopped ${ended}. ${read === '' ? 'Nothing was read.' : `What was read: ${read}.`} Ask for less at once, or with a command.`;
}

/** Every result of the conversation with the call that it answers. */
function sourcesIn(messages: ModelMessage[]): Source[] {
  const inputs = new Map(
    messages.flatMap(message =>
      message.role === 'model' ? message.calls.map(call => [call.id, call.input] as const) : [],
    ),
  );
  return messages.flatMap(message => {
    if (message.role !== 'result') return [];
    const { result, tool } = JSON.parse(message.text) as ToolResult;
    return [{ result, tool, input: inputs.get(message.call) ?? '{}' }];
  });
}
