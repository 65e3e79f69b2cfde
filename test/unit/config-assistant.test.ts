/** A language model, digests and MCP over HTTP in the configuration. */
import { describe, expect, it } from 'vitest';
import { secretsOf } from '../../src/config.ts';
import { configOf, problemsOf } from './config-fixture.ts';

const env = { KEY: 'sk-model-secret' };
const assistant = { baseUrl: 'https://models.example/v1', model: 'small', apiKey: 'env:KEY' };
const digest = { name: 'morning', cron: '0 7 * * 1-5', to: [{ stdout: true }] };

it('gives the model with its limits, and a key that nothing prints', () => {
  const config = configOf({ assistant }, env);
  expect(config.assistant).toMatchObject({
    model: 'small',
    scope: 'execute',
    silenceMs: 60_000,
    ceilings: { perDay: 5_000_000 },
  });
  expect(JSON.stringify(config)).not.toContain('model-secret');
  expect(secretsOf(config).map(secret => secret.reveal())).toContain(env.KEY);
  expect(configOf({}).assistant).toBeUndefined();
});

it('tells digests by the clocks of their only site, and of several in UTC', () => {
  const [site] = configOf({}).fleet.sites;
  const zones = (more: object) =>
    configOf({ digests: [{ ...digest, ...more }] }).digests.map(({ timeZone }) => timeZone);
  expect(zones({ sites: [site?.name] })).toEqual([site?.timeZone]);
  expect(zones({})).toEqual(['UTC']);
  expect(zones({ timeZone: 'Asia/Tokyo' })).toEqual(['Asia/Tokyo']);
});

describe('it is refused', () => {
  const model = (more: object) => ({ assistant: { ...assistant, ...more } });
  const told = (more: object) => ({ digests: [{ ...digest, ...more }] });
  it.each<[string, object, string]>([
    ['with a model in the clear', model({ baseUrl: 'http://models.example/v1' }), 'assistant.baseUrl'],
    ['with a key in the file', model({ apiKey: env.KEY }), 'assistant.apiKey'],
    ['with a key that is not there', model({ apiKey: 'env:NONE' }), 'assistant.apiKey'],
    ['with a ceiling of cost and no prices', model({ costPerDay: 3 }), 'assistant.prices'],
    ['with no tokens at all', model({ tokensPerDay: 0 }), 'assistant.tokensPerDay'],
    ['with a moment that never comes', told({ cron: '0 7 31 2 *' }), 'digests[0].cron'],
    ['with seconds in a schedule', told({ cron: '0 0 7 * * *' }), 'digests[0].cron'],
    ['with a site that there is not', told({ sites: ['atlantis'] }), 'digests[0].sites[0]'],
    ['with a digest to nowhere', told({ to: [{}] }), 'digests[0].to[0]'],
    ['with two of one name', { digests: [digest, digest] }, 'digests[1].name'],
    ['with MCP over HTTP and no issuer', { mcp: { http: true } }, 'mcp.http'],
  ])('%s', (_what, document, path) => {
    const problems = problemsOf(document, env);
    expect(problems.map(problem => problem.path)).toContain(path);
    expect(JSON.stringify(problems)).not.toContain('model-secret');
  });
});
