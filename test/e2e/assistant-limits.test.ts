/** What a conversation takes: the tokens of each attempt are counted, whatever became of it. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelServer, startModelServer } from '../support/model-server.ts';
import { type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let model: ModelServer;
let db: pg.Client;

beforeAll(async () => {
  model = await startModelServer();
  stack = await startStack({
    addressBase: '127.115',
    controlPlanes: 1,
    workers: 2,
    assistant: { baseUrl: model.baseUrl, model: 'scripted' },
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

  it('are those of a reply, too, that was too long to act on', async () => {
    model.says(() => ({ calls: [look], usage, fault: { kind: 'too-long' } }));
    expect(await spentBy('Is all well?')).toBe(30_000);
  });

  it('are none of a reply that was refused', async () => {
    model.says(() => ({ fault: { kind: 'status', status: 403 } }));
    expect(await spentBy('Is all well?')).toBe(0);
  });
});
