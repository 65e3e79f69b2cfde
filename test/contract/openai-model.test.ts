/** The client of a language model against an endpoint that breaks what real ones break. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openaiModel } from '../../src/adapters/llm/openai-model.ts';
import { FleetError } from '../../src/core/errors.ts';
import { ContextExceeded, type Model, type ModelMessage, type Tokens } from '../../src/core/model.ts';
import { Secret } from '../../src/core/secret.ts';
import { type ModelServer, type Reply, startModelServer } from '../support/model-server.ts';

let server: ModelServer;
let model: Model;
/** Waits for a moment only, for what never comes. */
let hasty: Model;
const key = 'sk-do-not-tell';
const tools = [{ name: 'look', description: 'Looks.', input: { type: 'object' } }];
const person: ModelMessage = { role: 'person', text: 'How is bos-w-1?' };
const looks = (node: string) => ({ tool: 'look', input: { node } });

beforeAll(async () => {
  server = await startModelServer();
  const settings = { model: 'small', baseUrl: server.baseUrl, apiKey: new Secret(key), maxReplyTokens: 500 };
  model = openaiModel({ ...settings, silenceMs: 30_000 });
  hasty = openaiModel({ ...settings, silenceMs: 1_000 });
});
afterAll(() => server?.close());

/** Says each in turn, the last one from then on. */
function say(...replies: Reply[]): void {
  server.says((_asked, turn) => replies[Math.min(turn, replies.length - 1)] as Reply);
}

type Asked = { messages?: ModelMessage[]; signal?: AbortSignal; of?: Model };

async function ask({ messages = [person], signal = new AbortController().signal, of = model }: Asked = {}) {
  const words: string[] = [];
  const before = server.asked.length;
  const attempts: Tokens[] = [];
  const reply = await of.reply({
    messages,
    tools,
    signal,
    onText: piece => words.push('again' in piece ? '(again)' : piece.text),
    onTokens: tokens => attempts.push(tokens),
  });
  return { ...reply, tokens: attempts.at(-1) as Tokens, words, requests: server.asked.slice(before) };
}

const failure = async (asked?: Asked) => FleetError.from(await ask(asked).catch(thrown => thrown)).toJSON();

const wishes = (calls: { tool: string; input: string }[]) =>
  calls.map(({ tool, input }) => ({ tool, input: JSON.parse(input) }));

describe('a reply', () => {
  it('comes word by word, with what it took', async () => {
    say({ text: 'It is well, as far as I can see.', usage: { prompt_tokens: 11, completion_tokens: 9 } });
    const { text, words, calls, tokens } = await ask();
    expect([text, calls, tokens]).toEqual(['It is well, as far as I can see.', [], { input: 11, output: 9 }]);
    expect(words.length).toBeGreaterThan(2);
    expect(words.join('')).toBe(text);
  });

  it('is counted by its length where nobody counts', async () => {
    say({ text: 'x'.repeat(400) });
    expect((await ask()).tokens.output).toBeGreaterThanOrEqual(100);
  });

  it('shows the tools, the messages and the key as the endpoint wants them', async () => {
    say({ text: 'Yes.' });
    const calls = [{ id: 'abc', tool: 'look', input: '{}' }];
    const { requests } = await ask({
      messages: [
        { role: 'system', text: 'Be short.' },
        person,
        { role: 'model', text: '', calls },
        { role: 'result', call: 'abc', text: '{"fan":"ok"}' },
      ],
    });
    expect(requests).toMatchObject([
      {
        model: 'small',
        authorization: `Bearer ${key}`,
        tools: [{ function: { name: 'look', parameters: { type: 'object' } } }],
        messages: [
          { role: 'system', content: 'Be short.' },
          { role: 'user', content: 'How is bos-w-1?' },
          { role: 'assistant', tool_calls: [{ id: 'abc', function: { name: 'look', arguments: '{}' } }] },
          { role: 'tool', tool_call_id: 'abc', content: '{"fan":"ok"}' },
        ],
      },
    ]);
  });
});

describe('calls', () => {
  it.each([
    ['as they should be', undefined],
    ['without ids', { kind: 'no-ids' }],
    ['with one id for two', { kind: 'same-ids' }],
    ['with one index for two', { kind: 'same-index' }],
  ] as const)('are read %s, each with an id of its own', async (_how, fault) => {
    say({ calls: [looks('bos-w-1'), looks('bos-w-2')], ...(fault && { fault }) });
    const { calls, requests } = await ask();
    expect(wishes(calls)).toEqual([looks('bos-w-1'), looks('bos-w-2')]);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
    expect(requests).toHaveLength(1);
  });

  it('that cannot be read are asked for once more, in one piece', async () => {
    say({ text: 'Let me', calls: [{ tool: 'look', input: '{"node": ' }] }, { text: 'Now', calls: [looks('bos-w-1')] });
    const { calls, words, requests } = await ask();
    expect(wishes(calls)).toEqual([looks('bos-w-1')]);
    expect(requests.map(({ stream }) => stream)).toEqual([true, false]);
    expect(words.slice(words.indexOf('(again)'))).toEqual(['(again)', 'Now']);
  });

  it('that can never be read are given on as they are, for the reader to refuse', async () => {
    say({ calls: [{ tool: 'look', input: 'bos-w-1' }] });
    expect((await ask()).calls).toMatchObject([{ tool: 'look', input: 'bos-w-1' }]);
  });
});

describe('a reply that was cut', () => {
  it.each([['no-end'], ['cut'], ['silent'], ['html']] as const)('gives no calls: %s', async kind => {
    server.says(({ stream }) =>
      stream ? { calls: [looks('bos-w-1')], fault: { kind } } : { fault: { kind: 'html' } },
    );
    expect(await failure({ of: kind === 'silent' ? hasty : model })).toMatchObject({ code: 'model_unavailable' });
  });

  it.each([['no-end'], ['cut']] as const)('is whole when it comes in one piece: %s', async kind => {
    server.says(({ stream }) => ({ calls: [looks('bos-w-1')], ...(stream && { fault: { kind } }) }));
    expect(wishes((await ask()).calls)).toEqual([looks('bos-w-1')]);
  });

  it('that falls silent is given up after the time that was set', async () => {
    say({ fault: { kind: 'silent' } });
    expect(await failure({ of: hasty })).toMatchObject({
      code: 'model_unavailable',
      retry: 'later',
      message: expect.stringContaining('silent'),
    });
  });
});

describe('what a reply took', () => {
  const usage = { prompt_tokens: 20_000, completion_tokens: 10_000 };
  const counted = { input: 20_000, output: 10_000 };

  /** Of each attempt, whether it gave a reply or threw. */
  async function attemptsOf(signal = new AbortController().signal): Promise<Tokens[]> {
    const attempts: Tokens[] = [];
    const onTokens = (tokens: Tokens) => attempts.push(tokens);
    await model.reply({ messages: [person], tools, signal, onTokens }).catch(() => undefined);
    return attempts;
  }

  it('is told of both attempts where the first was cut', async () => {
    server.says(({ stream }) => ({ text: 'Yes.', usage, ...(stream && { fault: { kind: 'no-end' } }) }));
    expect(await attemptsOf()).toEqual([counted, counted]);
  });

  it('is told of one that is too long to act on', async () => {
    say({ calls: [looks('bos-w-1')], usage, fault: { kind: 'too-long' } });
    expect(await attemptsOf()).toEqual([counted]);
  });

  it('is estimated where the stream breaks, with what is shown and what came', async () => {
    server.says(({ stream }) =>
      stream ? { text: 'x'.repeat(4_000), fault: { kind: 'cut' } } : { fault: { kind: 'status', status: 400 } },
    );
    const [broken, ...more] = await attemptsOf();
    expect(more).toEqual([]);
    expect(broken?.input).toBeGreaterThan(10);
    expect(broken?.output).toBeGreaterThanOrEqual(1_000);
  });

  it('is estimated where it falls silent, and where the question is taken back', async () => {
    say({ fault: { kind: 'silent' } });
    expect(await attemptsOf()).toHaveLength(1);
    const left = new AbortController();
    const asking = attemptsOf(left.signal);
    const before = server.asked.length;
    while (server.asked.length === before) await new Promise(resolve => setImmediate(resolve));
    left.abort();
    expect(await asking).toHaveLength(1);
  });

  it('is nothing where it was refused', async () => {
    say({ fault: { kind: 'status', status: 400 } });
    expect(await attemptsOf()).toEqual([]);
  });
});

describe('an endpoint', () => {
  it('that is busy is asked again when it says', async () => {
    const busy: Reply = { fault: { kind: 'status', status: 429, headers: { 'retry-after-ms': '20' } } };
    say(busy, busy, { text: 'Now.' });
    const { text, requests } = await ask();
    expect([text, requests.length]).toEqual(['Now.', 3]);
  });

  it('that takes the limit of a reply by its newer name alone is told it so from then on', async () => {
    const body = JSON.stringify({ error: { message: 'Use max_completion_tokens.', param: 'max_tokens' } });
    server.says(asked =>
      'max_tokens' in asked ? { fault: { kind: 'status', status: 400, body } } : { text: 'As you wish.' },
    );
    const own = openaiModel({ model: 'new', baseUrl: server.baseUrl, silenceMs: 30_000, maxReplyTokens: 500 });
    const before = server.asked.length;
    for (let time = 0; time < 2; time++)
      expect((await own.reply({ messages: [person], tools, signal: new AbortController().signal })).text).toBe(
        'As you wish.',
      );
    expect(server.asked.slice(before)).toMatchObject([
      { max_tokens: 500 },
      { max_completion_tokens: 500 },
      { max_completion_tokens: 500 },
    ]);
  });

  it.each([
    [401, 'never'],
    [404, 'never'],
    [400, 'never'],
    [500, 'later'],
    [429, 'later'],
  ] as const)('that answers %i is told of in our words, with %s', async (status, retry) => {
    const body = JSON.stringify({ error: { message: `Incorrect API key provided: ${key}` } });
    say({ fault: { kind: 'status', status, body, headers: { 'retry-after-ms': '5' } } });
    const error = await failure();
    expect(error).toMatchObject({ code: 'model_unavailable', retry, message: expect.stringContaining(String(status)) });
    expect(JSON.stringify(error)).not.toContain(key);
  });

  it.each([
    ['with a code', { message: 'No.', code: 'context_length_exceeded' }],
    ['as OpenAI and vLLM do', { message: "This model's maximum context length is 8192 tokens." }],
    ['as llama.cpp does', { message: 'the request exceeds the available context size' }],
    ['as Anthropic does', { message: 'prompt is too long: 200001 tokens > 200000 maximum' }],
    ['as Gemini does', { message: 'The input token count (9000) exceeds the maximum number of tokens allowed.' }],
  ])('that was shown too much says so %s, and we say what can be done', async (_how, error) => {
    say({ fault: { kind: 'status', status: 400, body: JSON.stringify({ error }) } });
    const refused = ask();
    await expect(refused).rejects.toBeInstanceOf(ContextExceeded);
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('assistant.contextTokens') });
  });

  it('that nobody listens at is unreachable, and the place is named', async () => {
    const gone = await startModelServer();
    await gone.close();
    const absent = openaiModel({ model: 'small', baseUrl: gone.baseUrl, silenceMs: 30_000, maxReplyTokens: 10 });
    const request = { messages: [person], tools, signal: new AbortController().signal };
    await expect(absent.reply(request)).rejects.toMatchObject({
      code: 'model_unavailable',
      retry: 'later',
      message: expect.stringContaining(gone.baseUrl),
    });
  });

  it('is left at once when the question is taken back', async () => {
    say({ fault: { kind: 'silent' } });
    const stop = new AbortController();
    const asking = failure({ signal: stop.signal });
    stop.abort();
    expect(await asking).toMatchObject({ code: 'stopped' });
    expect(await failure({ signal: AbortSignal.timeout(50) })).toMatchObject({ code: 'timeout' });
  });
});
