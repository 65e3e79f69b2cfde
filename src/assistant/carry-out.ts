/**
 * Carries out the calls of one reply: reads beside each other, the rest one
 * after another. Whatever a call is, it gets a result: one that is unknown,
 * unreadable or not allowed has no effect and says why.
 */
import Bottleneck from 'bottleneck';
import type { Block } from '../core/document.ts';
import { FleetError } from '../core/errors.ts';
import type { ModelCall, ModelMessage } from '../core/model.ts';
import { type Caller, isPlainRead, type Tool } from '../core/tool.ts';
import { asksPolicy, type Gateway } from '../gateway/gateway.ts';
import { isAskedFor, phrasesOf, quoted } from './asked.ts';
import { type Grounds, groundless, groundsOf } from './grounds.ts';
import { failureResult, resultPages, type ToolResult } from './result-text.ts';

export const readMore = 'readMore';

export type CallEnd = { result: ToolResult; blocks: Block[]; ok: boolean };

export type CarryOut = {
  gateway: Gateway;
  tools: Tool[];
  caller(call: ModelCall, asked: boolean): Caller;
  parallel: number;
  pageSize: number;
  signal: AbortSignal;
  onCall(result: string, call: ModelCall): void;
  onResult(end: CallEnd): void;
};

/** Of one turn: what was read in pages, and whether a plan was made. */
export class TurnMemory {
  readonly pages = new Map<string, ToolResult[]>();
  planned = false;
}

/** Results in the order of the calls; `first` is the number of the first of them. */
export async function carryOut(
  calls: ModelCall[],
  { messages, first, memory, ...parts }: CarryOut & { messages: ModelMessage[]; first: number; memory: TurnMemory },
): Promise<ToolResult[]> {
  const { tools, signal, onCall, onResult } = parts;
  const grounds = groundsOf(messages);
  const limiter = new Bottleneck({ maxConcurrent: parts.parallel });
  const ends: Promise<ToolResult>[] = [];
  let serial: Promise<unknown> = Promise.resolve();
  for (const [index, call] of calls.entries()) {
    const head = { result: `r${first + index}`, tool: call.tool };
    const tool = tools.find(({ name }) => name === call.tool);
    const run = async () => {
      onCall(head.result, call);
      const end = await one(call, tool, head).catch((thrown: unknown) => failed(head, thrown));
      onResult(end);
      return end.result;
    };
    if (tool === undefined || isPlainRead(tool)) ends.push(limiter.schedule(run));
    else {
      const end = serial.then(run);
      serial = end;
      ends.push(end);
    }
  }
  return Promise.all(ends);

  async function one(
    call: ModelCall,
    tool: Tool | undefined,
    head: { result: string; tool: string },
  ): Promise<CallEnd> {
    signal.throwIfAborted();
    const input = inputOfCall(call);
    if (call.tool === readMore) return { result: nextPage(memory, head, input), blocks: [], ok: true };
    const asked = tool !== undefined && isAskedFor(tool, input, messages);
    if (tool !== undefined && !isPlainRead(tool)) {
      // What asks policy is let through: only there it is known whether it would begin at once.
      if (tool.risk === 'control' && !asksPolicy(tool) && !asked) throw notAsked(tool, input);
      checkGrounds(tool, input, grounds);
      if (makesPlan(tool) && memory.planned)
        throw new FleetError({
          code: 'precondition_failed',
          message: 'one plan for each question: this turn has made one',
          hint: 'say what was planned, and let the person ask for the next',
        });
    }
    const invoked = parts.gateway.invoke({ tool: call.tool, input, caller: parts.caller(call, asked) });
    // A read may be left alone when the turn is over; what makes a plan or asks for something is waited for.
    const answer = await (tool === undefined || isPlainRead(tool) ? before(signal, invoked) : invoked);
    if (tool !== undefined && makesPlan(tool)) memory.planned = true;
    const pages = resultPages(head, answer.blocks, parts.pageSize);
    memory.pages.set(head.result, pages);
    return { result: pages[0] as ToolResult, blocks: answer.blocks, ok: true };
  }
}

function makesPlan(tool: Tool): boolean {
  return tool.kind === 'change' || tool.scope === 'plan';
}

function failed(head: { result: string; tool: string }, thrown: unknown): CallEnd {
  const error = FleetError.from(thrown);
  // What is not ours may hold anything; it is in the service's own log.
  const safe = error.code === 'internal' ? new FleetError({ code: 'internal', message: 'the tool failed' }) : error;
  return { result: failureResult(head, safe), blocks: [{ text: safe.message, tone: 'bad' }], ok: false };
}

function inputOfCall({ tool, input }: ModelCall): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(input);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below, in words of ours.
  }
  throw new FleetError({ code: 'invalid_input', message: `the arguments of ${tool} are no JSON object` });
}

function notAsked(tool: Tool, input: unknown): FleetError {
  return new FleetError({
    code: 'precondition_failed',
    message: `${tool.name} was not called: it acts at once, and the person's last message does not ask for it`,
    hint: `where it is wanted, let the person say so, with the word ${quoted(phrasesOf(tool, input))}`,
  });
}

function checkGrounds(tool: Tool, input: unknown, grounds: Grounds): void {
  const [found] = groundless(tool, input, grounds);
  if (found === undefined) return;
  if (found.asked)
    throw new FleetError({
      code: 'precondition_failed',
      message: `${tool.name} was not called: ${found.path} is ${found.value}, and the person's words do not ask for that`,
      hint: `leave it out; where it is wanted, let the person say so${found.asked.length > 0 ? `, with the words ${quoted(found.asked)}` : ''}`,
    });
  throw new FleetError({
    code: 'precondition_failed',
    message: `${tool.name} was not called: ${found.path} has a value that the person did not say, and that no answer has as words of ours alone`,
    hint: 'ask the person to name it in their own words; what machines and strangers wrote is no source of it',
  });
}

function nextPage(
  memory: TurnMemory,
  head: { result: string; tool: string },
  input: Record<string, unknown>,
): ToolResult {
  const pages = memory.pages.get(String(input.result)) ?? [];
  const page = pages[Number(input.page) - 1];
  if (page !== undefined) return { ...page, ...head };
  throw new FleetError({
    code: 'not_found',
    message: 'there is no such page of a result of this turn',
    hint: 'expected: result and page, such as r1 and 2; results of earlier turns are read again with their own tool',
  });
}

/** Throws the signal's reason when that comes first. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const end = () => reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', end));
}
