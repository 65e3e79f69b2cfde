/**
 * The conformance suite of the protocol, in both wire forms, against its own
 * fixtures behind our door: with a token, as everybody comes in. Each check
 * that we do not meet stands here with its reason; one that is met must not.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BearerProxy, openBearerProxy } from '../support/bearer-proxy.ts';
import { type Revision, runConformance, scenariosOf, type Unmet } from '../support/conformance.ts';
import type { Listening } from '../support/listening.ts';
import { startMcpFixture } from '../support/mcp-fixture.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

const asksNothing = 'our server asks its client for nothing: no program can be made to answer for a person';
const noSessions = 'no session is kept, so that any process may answer; nothing is replayed';
const noLog = 'our log is not for clients';
const follows = 'whoever wants to follow something calls waitOperation';
const noCompletion = 'there is no completion of arguments';

const excused: Record<Revision, Record<string, Unmet>> = {
  '2025-11-25': {
    'completion-complete': { 'completion-complete': noCompletion },
    'elicitation-sep1034-defaults': { 'elicitation-sep1034-general': asksNothing },
    'elicitation-sep1330-enums': { 'elicitation-sep1330-general': asksNothing },
    'logging-set-level': { 'logging-set-level': noLog },
    'resources-subscribe': { 'resources-subscribe': follows },
    'resources-unsubscribe': { 'resources-unsubscribe': follows },
    'server-session-lifecycle': { 'nothing-checked': noSessions },
    'server-sse-multiple-streams': { 'server-sse-multiple-streams-session': noSessions },
    'server-sse-polling': {
      'server-sse-polling-session': noSessions,
      'server-sse-priming-event': noSessions,
      'server-sse-retry-field': noSessions,
    },
    'tools-call-elicitation': { 'tools-call-elicitation': asksNothing },
    'tools-call-sampling': { 'tools-call-sampling': asksNothing },
    'tools-call-with-logging': { 'tools-call-with-logging': noLog },
  },
  '2026-07-28': {
    'completion-complete': { 'completion-complete': noCompletion },
    'input-required-result-basic-elicitation': { 'sep-2322-elicitation-incomplete': asksNothing },
    'input-required-result-basic-list-roots': { 'sep-2322-list-roots-incomplete': asksNothing },
    'input-required-result-basic-sampling': { 'sep-2322-sampling-incomplete': asksNothing },
    'input-required-result-capability-check': { 'sep-2322-respect-client-capabilities': asksNothing },
    'input-required-result-ignore-extra-params': { 'sep-2322-ignore-unexpected-params': asksNothing },
    'input-required-result-missing-input-response': { 'sep-2322-missing-response-rerequests': asksNothing },
    'input-required-result-multi-round': { 'sep-2322-multi-round-r1': asksNothing },
    'input-required-result-multiple-input-requests': { 'sep-2322-multiple-inputs-incomplete': asksNothing },
    'input-required-result-non-tool-request': { 'sep-2322-non-tool-incomplete': asksNothing },
    'input-required-result-request-state': { 'sep-2322-request-state-incomplete': asksNothing },
    'input-required-result-result-type': { 'sep-2322-result-type-included': asksNothing },
    'input-required-result-tampered-state': { 'sep-2322-reject-tampered-state': asksNothing },
    'server-stateless': {
      'sep-2575-server-rejects-undeclared-capability': asksNothing,
      'sep-2575-missing-capability-http-400': asksNothing,
      'sep-2575-server-no-log-without-loglevel': noLog,
    },
  },
};

let issuer: TokenIssuer;
let fixture: Listening;
let proxy: BearerProxy;

beforeAll(async () => {
  issuer = await startTokenIssuer('127.0.0.1');
  fixture = await startMcpFixture(issuer.url, 'somebody');
  const token = await issuer.token({ sub: 'somebody', aud: `${fixture.origin}/mcp`, scope: 'read' });
  proxy = await openBearerProxy(fixture.origin, token);
});
afterAll(async () => {
  await proxy?.close();
  await fixture?.close();
  await issuer?.close();
});

it('the suite comes in by its token alone', async () => {
  expect((await fetch(`${fixture.origin}/mcp`, { method: 'POST', body: '{}' })).status).toBe(401);
});

describe.each<Revision>(['2025-11-25', '2026-07-28'])('of the protocol of %s', async revision => {
  const scenarios = await scenariosOf(revision);
  let found: Map<string, Unmet>;
  beforeAll(async () => {
    found = await runConformance(`${proxy.origin}/mcp`, revision);
  });

  it('the suite makes the scenarios that it names, and no others', () => {
    expect([...found.keys()].sort()).toEqual([...scenarios].sort());
  });

  it.each(scenarios)('%s', scenario => {
    const unmet = found.get(scenario) ?? {};
    const expected = excused[revision][scenario] ?? {};
    const surprising = Object.entries(unmet).filter(([check]) => !(check in expected));
    expect(Object.fromEntries(surprising), 'checks that are not met').toEqual({});
    const met = Object.keys(expected).filter(check => !(check in unmet));
    expect(met, 'checks that are excused, and met').toEqual([]);
  });
});
