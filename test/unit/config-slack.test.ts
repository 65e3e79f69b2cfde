/** Slack in the configuration: who is who there, and tokens that go nowhere else. */
import { describe, expect, it } from 'vitest';
import { secretsOf } from '../../src/config.ts';
import { configOf, hash, problemsOf } from './config-fixture.ts';

const env = { BOT: 'xoxb-1-bot-secret', APP: 'xapp-1-app-secret', SIGNING: 'signingsecret0123456789abcdef012' };
const slack = { botToken: 'env:BOT', appToken: 'env:APP', workspace: 'T024BE7LD', channel: 'C024BE91L' };
const { appToken: _, ...noWay } = slack;
const http = { ...noWay, signingSecret: 'env:SIGNING', http: { listen: '127.0.0.1:7421' } };
const ana = { name: 'ana', groups: ['operators'], passphrase: hash, slack: 'U024BE7LH' };

it('gives the workspace, its channel and who is who, with tokens that nothing prints', () => {
  const config = configOf({ slack, people: [ana] }, env);
  expect(config.people).toMatchObject([{ name: 'ana', slack: 'U024BE7LH' }]);
  expect(config.slack).toMatchObject({
    workspace: 'T024BE7LD',
    channel: 'C024BE91L',
    apiUrl: 'https://slack.com/api/',
  });
  expect(JSON.stringify(config)).not.toMatch(/bot-secret|app-secret/);
  expect(secretsOf(config).map(secret => secret.reveal())).toEqual(expect.arrayContaining([env.BOT, env.APP]));
});

it('takes signed requests in the place of a socket, for others than this machine only where it is said', () => {
  const config = configOf({ slack: http }, env);
  expect(config.slack?.way).toMatchObject({ listen: { host: '127.0.0.1', port: 7421 } });
  expect(JSON.stringify(config)).not.toContain(env.SIGNING);
  expect(secretsOf(config).map(secret => secret.reveal())).toEqual(expect.arrayContaining([env.BOT, env.SIGNING]));
  const everywhere = { slack: { ...http, http: { listen: '0.0.0.0:7421' } } };
  expect(problemsOf(everywhere, env).map(({ path }) => path)).toEqual(['slack.http.listen']);
  const service = { origin: 'groundskeeper.example/lab', allowRemote: true };
  expect(configOf({ ...everywhere, service }, env).slack?.way).toMatchObject({ listen: { host: '0.0.0.0' } });
});

it('takes the address of another Slack, such as GovSlack', () => {
  expect(configOf({ slack: { ...slack, apiUrl: 'https://slack-gov.com/api/' } }, env).slack?.apiUrl).toBe(
    'https://slack-gov.com/api/',
  );
});

it('takes channels for digests and for checkpoints', () => {
  const to = [{ slack: 'C024BE91L' }, { stdout: true }];
  const digests = [{ name: 'morning', cron: '0 7 * * *', to }];
  const config = configOf({ slack, digests, custody: { anchors: [{ slack: 'C024BE92M' }] } }, env);
  expect([config.digests[0]?.to, config.custody.anchors]).toEqual([to, [{ slack: 'C024BE92M' }]]);
});

describe('it is refused', () => {
  const change = (more: object) => ({ slack: { ...slack, ...more } });
  it.each<[string, object, string]>([
    ['with a token in the file', change({ botToken: env.BOT }), 'slack.botToken'],
    ['with a token that is not there', change({ appToken: 'env:NONE' }), 'slack.appToken'],
    ['with the two tokens in each other’s place', change({ botToken: 'env:APP' }), 'slack.botToken'],
    ['with a socket and requests at once', { slack: { ...http, appToken: 'env:APP' } }, 'slack'],
    ['with neither socket nor requests', { slack: noWay }, 'slack'],
    ['with requests that nothing signs', { slack: { ...noWay, http: http.http } }, 'slack'],
    ['with requests that come nowhere', { slack: { ...noWay, signingSecret: 'env:SIGNING' } }, 'slack'],
    ['with a token that is to sign', { slack: { ...http, signingSecret: 'env:APP' } }, 'slack.signingSecret'],
    ['with the signing secret in the file', { slack: { ...http, signingSecret: env.SIGNING } }, 'slack.signingSecret'],
    ['with a channel by its name', change({ channel: '#ops' }), 'slack.channel'],
    ['with a workspace by its name', change({ workspace: 'acme' }), 'slack.workspace'],
    ['with an address in the clear', change({ apiUrl: 'http://slack.example/api/' }), 'slack.apiUrl'],
    ['with an unknown key', change({ tokens: 'env:BOT' }), 'slack.tokens'],
    ['with one member for two names', { slack, people: [ana, { ...ana, name: 'ben' }] }, 'people[1].slack'],
    ['with a member by a name', { slack, people: [{ ...ana, slack: '@ana' }] }, 'people[0].slack'],
    [
      'without a Slack, yet with checkpoints in one',
      { custody: { anchors: [{ slack: 'C1' }] } },
      'custody.anchors[0].slack',
    ],
    [
      'without a Slack, yet with a digest for one',
      { digests: [{ name: 'a', cron: '0 7 * * *', to: [{ stdout: true }, { slack: 'C024BE91L' }] }] },
      'digests[0].to[1].slack',
    ],
    ['without a Slack, yet with a member of one', { people: [ana] }, 'people[0].slack'],
  ])('%s', (_what, document, path) => {
    const problems = problemsOf(document, env);
    expect(problems.map(problem => problem.path)).toContain(path);
    expect(JSON.stringify(problems)).not.toMatch(/bot-secret|app-secret|signingsecret/);
  });
});
