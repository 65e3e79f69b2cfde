/**
 * Any endpoint that speaks Chat Completions. Servers differ in what they break:
 * a stream that ends without a reason, arguments that are no JSON, ids that are
 * missing or twice. A reply like that is asked for once more in one piece, and
 * one that was cut is never acted on.
 */
import OpenAI, {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  BadRequestError,
} from 'openai';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import { FleetError } from '../../core/errors.ts';
import { randomId } from '../../core/ids.ts';
import {
  ContextExceeded,
  type Model,
  type ModelMessage,
  type ModelReply,
  type ModelRequest,
  type ToolOffer,
} from '../../core/model.ts';
import type { Secret } from '../../core/secret.ts';
import { estimateTokens, type RawReply, readStream, readWhole } from './read-reply.ts';

export type ModelOptions = {
  /** The model's id at the endpoint. */
  model: string;
  /** Up to and including the version, such as http://127.0.0.1:11434/v1. */
  baseUrl: string;
  apiKey?: Secret;
  /** Until a reply begins, and the longest silence within one, milliseconds. */
  silenceMs: number;
  /** Longest reply in tokens. */
  maxReplyTokens: number;
};

type TokenLimit = 'max_tokens' | 'max_completion_tokens';

const idLength = 9; // the one length that every provider takes
const longestQuote = 300;
/** Providers say in words of their own that a conversation is too long; few have a code for it. */
const exceeded =
  /context (length|window|size)|context_length_exceeded|too (long|many tokens)|token count.{0,20}exceeds/i;

export function openaiModel(options: ModelOptions): Model {
  const client = new OpenAI({
    baseURL: options.baseUrl,
    apiKey: options.apiKey?.reveal() ?? 'none',
    organization: null,
    project: null,
    timeout: options.silenceMs,
    maxRetries: 2,
    logLevel: 'off',
  });

  /** Local servers know the older name alone; newer models of some providers refuse it, and say so. */
  let limit: TokenLimit = 'max_tokens';

  async function sent<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof BadRequestError) || thrown.param !== limit || limit !== 'max_tokens') throw thrown;
      limit = 'max_completion_tokens';
      return send();
    }
  }

  /** One attempt, told of with what it took however it ended. What was refused, or never arrived, took nothing. */
  async function counted(
    request: ModelRequest,
    attempt: (request: ModelRequest, heard: RawReply) => Promise<RawReply>,
  ): Promise<RawReply> {
    const { messages, tools, onTokens } = request;
    request.signal.throwIfAborted();
    const heard: RawReply = { text: '', calls: [] };
    let taken = true;
    try {
      return await attempt(request, heard);
    } catch (thrown) {
      taken = !tookNothing(thrown);
      throw thrown;
    } finally {
      const { text, calls, tokens } = heard;
      const input = estimateTokens(JSON.stringify([messages, tools]));
      if (taken) onTokens?.(tokens ?? { input, output: estimateTokens(text + JSON.stringify(calls)) });
    }
  }

  async function streamed(request: ModelRequest, heard: RawReply): Promise<RawReply> {
    const silence = new AbortController();
    const told = new FleetError({
      code: 'model_unavailable',
      message: `the language model fell silent for ${options.silenceMs / 1000} s in the middle of its reply`,
      retry: 'later',
    });
    const signal = AbortSignal.any([request.signal, silence.signal]);
    const stream = await sent(() =>
      client.chat.completions.create(
        { ...body(options, request, limit), stream: true, stream_options: { include_usage: true } },
        { signal },
      ),
    );
    const timer = setTimeout(() => silence.abort(told), options.silenceMs);
    try {
      return await readStream(stream, heard, piece => {
        timer.refresh();
        if (piece !== '') request.onText?.({ text: piece });
      });
    } catch (thrown) {
      // In the middle of an event, or by a line that was lost: what came of it is void.
      if (thrown instanceof APIError) throw thrown;
      return { text: '', calls: [] };
    } finally {
      clearTimeout(timer);
      // The library ends an aborted stream as if it had come to its end.
      signal.throwIfAborted();
    }
  }

  async function whole(request: ModelRequest, heard: RawReply): Promise<RawReply> {
    const completion = await sent(() =>
      client.chat.completions.create(body(options, request, limit), { signal: request.signal }),
    );
    return Object.assign(heard, readWhole(completion));
  }

  return {
    name: options.model,
    async reply(request) {
      try {
        const first = await counted(request, streamed);
        if (isSound(first)) return finished(first);
        request.onAgain?.();
        request.onText?.({ again: true });
        const second = await counted(request, whole);
        if (second.text !== '') request.onText?.({ text: second.text });
        return finished(second);
      } catch (thrown) {
        throw translated(thrown, request.signal, options);
      }
    },
  };
}

function body({ model, maxReplyTokens }: ModelOptions, { messages, tools }: ModelRequest, limit: TokenLimit) {
  return {
    model,
    [limit]: maxReplyTokens,
    messages: messages.map(messageOf),
    ...(tools.length > 0 && { tools: tools.map(toolOf) }),
  };
}

function messageOf(message: ModelMessage): ChatCompletionMessageParam {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.text };
    case 'person':
      return { role: 'user', content: message.text };
    case 'result':
      return { role: 'tool', tool_call_id: message.call, content: message.text };
    case 'model': {
      const calls = message.calls.map(({ id, tool, input }) => ({
        id,
        type: 'function' as const,
        function: { name: tool, arguments: input },
      }));
      return { role: 'assistant', content: message.text, ...(calls.length > 0 && { tool_calls: calls }) };
    }
  }
}

function toolOf({ name, description, input }: ToolOffer): ChatCompletionTool {
  return { type: 'function', function: { name, description, parameters: input } };
}

/** Whether every call can be read and the model said that it had ended. */
function isSound({ end, calls }: RawReply): boolean {
  if (end === undefined) return false;
  return calls.every(({ tool, input }) => tool !== '' && isObject(input));
}

function isObject(text: string): boolean {
  if (text === '') return true;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Ids of the endpoint's are not kept: some send none, some send one twice. */
function finished({ text, calls, end }: RawReply): ModelReply {
  if (end === undefined)
    throw new FleetError({
      code: 'model_unavailable',
      message: 'the reply of the language model was cut',
      retry: 'later',
      hint: 'nothing of it was acted on; ask again',
    });
  if (end === 'length' && calls.length > 0)
    throw new FleetError({
      code: 'model_unavailable',
      message: 'the reply of the language model was longer than it may be',
      hint: 'nothing of it was acted on; ask for less at once, or raise assistant.maxReplyTokens',
    });
  return {
    text: end === 'length' ? `${text} … (cut: the reply was too long)` : text,
    calls: calls.map(({ tool, input }) => ({ id: randomId(idLength), tool, input: input === '' ? '{}' : input })),
  };
}

function tookNothing(thrown: unknown): boolean {
  if (thrown instanceof APIConnectionError) return !(thrown instanceof APIConnectionTimeoutError);
  return thrown instanceof APIError && thrown.status !== undefined;
}

function translated(thrown: unknown, signal: AbortSignal, { baseUrl, apiKey, silenceMs }: ModelOptions): FleetError {
  if (thrown instanceof FleetError) return thrown;
  if (signal.aborted || thrown instanceof APIUserAbortError) {
    const late = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
    return new FleetError({
      code: late ? 'timeout' : 'stopped',
      message: late ? 'the language model took too long' : 'the question was taken back',
      retry: 'later',
    });
  }
  const failure = (message: string, more: { retry?: 'later'; hint?: string; untrusted?: string }) =>
    new FleetError({ code: 'model_unavailable', message, ...more, cause: thrown });
  if (thrown instanceof APIConnectionTimeoutError)
    return failure(`the language model did not answer within ${silenceMs / 1000} s`, { retry: 'later' });
  if (thrown instanceof APIConnectionError)
    return failure(`the language model at ${baseUrl} cannot be reached`, {
      retry: 'later',
      hint: 'everything that is a command goes on without it; see assistant.baseUrl',
    });
  if (!(thrown instanceof APIError) || thrown.status === undefined)
    return failure(`what answered at ${baseUrl} is no language model that we understand`, {
      hint: 'assistant.baseUrl ends before /chat/completions, often with /v1',
    });
  const { status } = thrown;
  if (status === 401 || status === 403)
    return failure(`the language model refused our key (HTTP ${status})`, { hint: 'see assistant.apiKey' });
  const key = apiKey?.reveal();
  const said = key ? thrown.message.replaceAll(key, '***') : thrown.message;
  if ((status === 400 || status === 413) && exceeded.test(`${thrown.code} ${said}`))
    return new ContextExceeded({
      code: 'model_unavailable',
      message: `the language model was shown more than it takes (HTTP ${status})`,
      hint: 'begin another conversation, or ask for less at once; an administrator sets assistant.contextTokens to what the model takes, or less',
      untrusted: said.slice(0, longestQuote),
      cause: thrown,
    });
  const busy = status === 429 || status >= 500;
  return failure(`the language model ${busy ? 'is busy or down' : 'refused the request'} (HTTP ${status})`, {
    ...(busy && { retry: 'later' as const }),
    ...(status === 404 && { hint: 'see assistant.baseUrl and assistant.model' }),
    untrusted: said.slice(0, longestQuote),
  });
}
