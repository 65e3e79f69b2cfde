/** What a conversation takes: the tokens of each attempt are counted, and no more is shown than the model takes. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Asked, type ModelServer, type Reply, repliesSoFar, startModelServer } from '../support/model-server.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let model: ModelServer;
let db: pg.Client;

const ceilings = { tokensPerConversation: 400_000, tokensPerDay: 10_000_000 };

beforeAll(async () => {
  model = await startModelServer();
  stack = await startStack({
    addressBase: '127.115',
    controlPlanes: 1,
    workers: 2,
    assistant: { baseUrl: model.baseUrl, model: 'scripted' },
    configure: document =>
      Object.assign(document.assistant ?? {}, { ...ceilings, contextTokens: 12_000, maxReplyTokens: 1_000 }),
  });
  db = new pg.Client({ connectionString: stack.databaseUrl });
  await db.connect();
});
afterAll(async () => {
  await db?.end();
  await stack?.close();
  await model?.close();
});

async function ask(text: string, conversation?: string) {
  const client = await stack.client('requester');
  return client.ask({ text, ...(conversation !== undefined && { conversation }) }, {});
}

describe('the tokens of a day', () => {
  const usage = { prompt_tokens: 20_000, completion_tokens: 10_000 };
  const look = { tool: 'getNodeHealth', input: { node: 'bos-w-1' } };

  async function spentBy(text: string): Promise<number> {
    const total = async () => {
      const { rows } = await db.query('select coalesce(sum(input + output), 0)::int as total from model_spend');
      return rows[0].total as number;
    };
    const before = await total();
    await ask(text).catch(() => undefined);
    return (await total()) - before;
  }

  it('are those of both attempts where the first reply was cut', async () => {
    model.says(({ stream }) => ({ text: 'Yes.', usage, ...(stream && { fault: { kind: 'no-end' } }) }));
    expect(await spentBy('Is all well?')).toBe(60_000);
  });

  it('are those of one attempt where that was the last of what the conversation may take', async () => {
    const all = { prompt_tokens: ceilings.tokensPerConversation, completion_tokens: 1_000 };
    model.says(({ stream }) => ({ text: 'Yes.', usage: all, ...(stream && { fault: { kind: 'no-end' } }) }));
    expect(await spentBy('Is all well?')).toBe(401_000);
    await expect(ask('Is all well?')).rejects.toThrow('this conversation has used its 400000 tokens');
  });

  it('are those of a reply, too, that was too long to act on', async () => {
    model.says(() => ({ calls: [look], usage, fault: { kind: 'too-long' } }));
    expect(await spentBy('Is all well?')).toBe(30_000);
  });

  it('are none of a reply that was refused', async () => {
    model.says(() => ({ fault: { kind: 'status', status: 403 } }));
    expect(await spentBy('Is all well?')).toBe(0);
  });
});

describe('a conversation that reads much', () => {
  /** Four to a token. */
  const configured = 12_000 * 4;
  const nodes = ['bos-cp-1', 'bos-w-1', 'bos-w-2'];
  const reads = [{ sensors: false }, { sensors: true }, {}].flatMap(more =>
    nodes.map(node => ({ tool: 'getHardwareInventory', input: { node, ...more } })),
  );
  const told: { asked: Asked; refused: boolean }[] = [];

  const sizeOf = ({ messages, tools }: Asked) => JSON.stringify({ messages, tools }).length;

  /** Reads as much as it can, one after another, and refuses what is longer. */
  function takes(characters: number): void {
    told.length = 0;
    model.says((asked): Reply => {
      const refused = sizeOf(asked) > characters;
      told.push({ asked, refused });
      const message = 'This model has a maximum context length.';
      if (refused) return { fault: { kind: 'status', status: 400, body: JSON.stringify({ error: { message } }) } };
      const next = reads[repliesSoFar(asked)];
      return next === undefined ? { text: 'That is all [r1].' } : { calls: [next] };
    });
  }

  /** Calls have results, or a provider refuses them; the newest result is there. */
  function expectPaired({ messages }: Asked): void {
    const calls = messages.flatMap(({ tool_calls }) => (tool_calls ?? []).map(({ id }) => id));
    const results = messages.filter(({ role }) => role === 'tool');
    expect(results.map(({ tool_call_id }) => tool_call_id)).toEqual(calls);
    if (results.length > 0) expect(results.at(-1)?.content).not.toContain('left out here');
  }

  it('is shown what the model takes, with its tools, and goes on when it is asked again', async () => {
    takes(configured);
    const { conversation, text } = await ask('What is in all of them?');
    expect(text).toBe('That is all [r1].');
    const [first, last] = [told[0]?.asked, told.at(-1)?.asked] as [Asked, Asked];
    expect(JSON.stringify(last).includes('left out here to save room: read it again')).toBe(true);
    expect(JSON.stringify(last.messages[0])).toBe(JSON.stringify(first.messages[0]));
    expect((await ask('And again?', conversation)).text).toBe('That is all [r1].');
    for (const { asked, refused } of told) {
      expect(refused).toBe(false);
      expectPaired(asked);
    }
  });

  it('goes on, too, where the model takes less than was configured', async () => {
    takes(configured - 6_000);
    const { conversation, text } = await ask('What is in all of them?');
    expect(text).toBe('That is all [r1].');
    expect(told.filter(({ refused }) => refused)).toHaveLength(1);
    expect((await ask('And again?', conversation)).text).toBe('That is all [r1].');
    for (const { asked } of told) expectPaired(asked);
  });

  it('says what to do where the model takes nothing of it', async () => {
    takes(0);
    await expect(ask('What is in all of them?')).rejects.toMatchObject({
      message: expect.stringContaining('more than it takes'),
      hint: expect.stringContaining('begin another conversation'),
    });
    expect(told).toHaveLength(2);
  });
});
