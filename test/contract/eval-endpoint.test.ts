/** What is wrong with the endpoint of an eval is told before anything is opened, in the words of its own options. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reachable } from '../../bench/eval/endpoint.ts';
import { type ModelServer, startModelServer } from '../support/model-server.ts';

let server: ModelServer;
const keyEnv = 'GROUNDSKEEPER_TEST_EVAL_KEY';

beforeAll(async () => {
  server = await startModelServer();
});
afterAll(async () => {
  delete process.env[keyEnv];
  await server.close();
});

it('that answers is taken, with its key, and with its model where it has but one', async () => {
  process.env[keyEnv] = 'sk-of-the-eval';
  expect(await reachable({ baseUrl: server.baseUrl, keyEnv })).toEqual({
    baseUrl: server.baseUrl,
    keyEnv,
    model: 'scripted',
  });
  expect(server.asked.at(-1)).toMatchObject({ model: 'scripted', authorization: 'Bearer sk-of-the-eval' });
});

it('whose key is refused says so', async () => {
  server.says(() => ({ fault: { kind: 'status', status: 401 } }));
  await expect(reachable({ baseUrl: server.baseUrl, model: 'm' })).rejects.toMatchObject({
    code: 'model_unavailable',
    message: expect.stringContaining('HTTP 401'),
    hint: 'see --key-env',
  });
});

it.each([
  ['that nobody listens at', { baseUrl: 'http://127.0.0.1:9/v1', model: 'm' }, /cannot be reached/, /--endpoint/],
  ['that nobody listens at, without a model', { baseUrl: 'http://127.0.0.1:9/v1' }, /nothing answers/, /--endpoint/],
  [
    'that would send the key in the clear',
    { baseUrl: 'http://models.example/v1', model: 'm' },
    /no https address/,
    /https/,
  ],
  [
    'whose key is not there',
    { baseUrl: 'http://127.0.0.1:9/v1', keyEnv: 'NOT_THERE' },
    /NOT_THERE is not set/,
    /--key-env/,
  ],
])('%s is told', async (_what, asked, message, hint) => {
  const told = await reachable(asked).catch(error => error);
  expect([told.message, told.hint]).toEqual([expect.stringMatching(message), expect.stringMatching(hint)]);
});
