/** At most two refused log-ins in ten minutes for each BMC and credential, whatever becomes of our process. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { Bmcs, LoginLedger } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { account, type Handler, type RedfishServer, startRedfishServer } from '../support/redfish-server.ts';
import { type MemoryLedger, memoryLedger, memoryLogins } from '../support/session-ledger.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(override?: Handler): Promise<RedfishServer> {
  const server = await startRedfishServer(override);
  closing.push(server.close);
  return server;
}

type Options = { logins: LoginLedger; sessions?: MemoryLedger; password?: string; now?: () => number };

/** One life of the process, ended without a word. */
function begin(server: RedfishServer, { logins, sessions = memoryLedger(), password = 'wrong', now }: Options): Bmcs {
  return openBmcs({
    bmcs: [{ node: 'node', url: server.url, spki: server.spki, username: account.username, password }],
    ledger: sessions,
    logins,
    now,
    timeouts: { retryMs: 5 },
  });
}

/** One life of the process. */
function live(server: RedfishServer, options: Options) {
  const bmcs = begin(server, options);
  closing.push(() => bmcs.closeAll().catch(() => undefined));
  return bmcs.of('node');
}

const attempts = (server: RedfishServer) =>
  server.seen.filter(each => each.basic || (each.method === 'POST' && each.path.endsWith('/Sessions')));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((thrown: unknown) => thrown);
  return error instanceof FleetError ? error.code : String(error);
}

test('a process that is started again and again is refused twice, and then asks no more for ten minutes', async () => {
  const server = await start();
  const logins = memoryLogins();
  let now = Date.parse('2026-01-01T00:00:00Z');
  for (let life = 0; life < 6; life++) {
    expect(await codeOf(live(server, { logins, now: () => now }).power())).toBe('bmc_auth');
    now += 60_000;
  }
  expect(attempts(server)).toHaveLength(2);
  now = Date.parse('2026-01-01T00:09:59Z');
  await codeOf(live(server, { logins, now: () => now }).power());
  expect(attempts(server)).toHaveLength(2);
  now += 1_000;
  await codeOf(live(server, { logins, now: () => now }).power());
  expect(attempts(server)).toHaveLength(3);
});

test('the same over Basic', async () => {
  const server = await start(seen => {
    if (seen.path.endsWith('/Sessions')) return { status: 405, body: {} };
    return seen.basic ? { status: 401, body: {} } : undefined;
  });
  const logins = memoryLogins();
  for (let life = 0; life < 4; life++) await codeOf(live(server, { logins }).power());
  expect(server.seen.filter(each => each.basic)).toHaveLength(2);
});

test('a corrected password may be tried at once', async () => {
  const server = await start();
  const logins = memoryLogins();
  for (let life = 0; life < 3; life++) await codeOf(live(server, { logins }).power());
  expect(await live(server, { logins, password: account.password }).power()).toEqual({ value: 'on' });
});

test('the refusal is written down before anybody learns of it', async () => {
  const server = await start();
  const logins = memoryLogins();
  const written = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const bmc = live(server, {
    logins: {
      ...logins,
      failed: async () => {
        began.resolve();
        await written.promise;
      },
    },
  });
  let told = false;
  const refused = codeOf(bmc.power()).then(code => {
    told = true;
    return code;
  });
  await began.promise;
  expect(told).toBe(false);
  written.resolve();
  expect(await refused).toBe('bmc_auth');
});

test('log-ins that are closed under way are counted before the next begins', async () => {
  const gate = Promise.withResolvers<void>();
  const server = await start(({ method }) =>
    method === 'POST' ? { status: 401, body: {}, after: gate.promise } : undefined,
  );
  const bmc = live(server, { logins: memoryLogins() });
  const asked = [];
  for (let turn = 0; turn < 4; turn++) {
    asked.push(codeOf(bmc.power()), bmc.close());
  }
  gate.resolve();
  await Promise.all(asked);
  expect(await codeOf(bmc.power())).toBe('bmc_auth');
  expect(attempts(server)).toHaveLength(2);
});

test('a life that ends before it has counted a refusal costs the next one a log-in', async () => {
  const server = await start();
  const [logins, sessions] = [memoryLogins(), memoryLedger()];
  await codeOf(live(server, { logins, sessions }).power());
  const reached = Promise.withResolvers<void>();
  const dying = {
    ...logins,
    failed: () => {
      reached.resolve();
      return new Promise<void>(() => {});
    },
  };
  void begin(server, { logins: dying, sessions }).of('node').power();
  await reached.promise;
  expect(attempts(server)).toHaveLength(2);

  const next = begin(server, { logins, sessions: memoryLedger(sessions.entries) });
  for (let read = 0; read < 3; read++) expect(await codeOf(next.of('node').power())).toBe('bmc_auth');
  expect(attempts(server)).toHaveLength(2);
});

test('while refusals cannot be counted, no password is sent', async () => {
  const server = await start();
  const away = () => Promise.reject(new Error('the database is away'));
  const bmc = live(server, { logins: { failed: away, failures: away }, password: account.password });
  expect(await codeOf(bmc.power())).toBe('database');
  expect(server.seen).toEqual([]);
});

test('a refusal that could not be written down counts in this process all the same', async () => {
  const server = await start();
  const bmc = live(server, {
    logins: { failed: () => Promise.reject(new Error('the database is full')), failures: async () => [] },
  });
  const codes = [await codeOf(bmc.power()), await codeOf(bmc.power()), await codeOf(bmc.power())];
  expect(codes).toEqual(['database', 'database', 'bmc_auth']);
  expect(attempts(server)).toHaveLength(2);
});

test('what is written down tells credentials apart, and gives none away', async () => {
  const [one, other] = [await start(), await start()];
  const logins = memoryLogins();
  await codeOf(live(one, { logins, password: 'guess' }).power());
  await codeOf(live(one, { logins, password: 'guess again' }).power());
  await codeOf(live(other, { logins, password: 'guess' }).power());
  expect(new Set(logins.entries.map(each => each.credentialDigest)).size).toBe(3);
  expect(JSON.stringify(logins.entries)).not.toMatch(/guess|operator/);
});

describe('a log-in that is refused', () => {
  const info = (...ids: string[]) => ({ error: { '@Message.ExtendedInfo': ids.map(MessageId => ({ MessageId })) } });
  const refusing = (status: number, body: object) =>
    start(seen => (seen.method === 'POST' && seen.path.endsWith('/Sessions') ? { status, body } : undefined));

  test.each([
    ['for want of a licence', 403, 'SMC.1.0.OemLicenseNotPassed', 'bmc_refused', 'never'],
    ['while the BMC starts', 400, 'iLO.2.14.UnableToModifyDuringSystemPOST', 'bmc_unreachable', 'later'],
    ['while the BMC stops', 400, 'Base.1.12.ServiceShuttingDown', 'bmc_unreachable', 'later'],
    ['for its form', 400, 'Base.1.12.PropertyUnknown', 'bmc_refused', 'never'],
  ])('%s is not blamed on the password, and not counted', async (_why, status, id, code, retry) => {
    const server = await refusing(status, info(id));
    const bmc = live(server, { logins: memoryLogins(), password: account.password });
    for (let read = 0; read < 3; read++) await expect(bmc.power()).rejects.toMatchObject({ code, retry });
    expect(attempts(server)).toHaveLength(3);
    server.override = () => undefined;
    expect(await bmc.power()).toEqual({ value: 'on' });
  });

  test.each([
    ['as unauthorized, whatever the status', 400, info('iLO.0.10.UnauthorizedLoginAttempt')],
    ['as forbidden', 403, {}],
    ['without a reason', 400, {}],
    ['with a reason that we do not know', 418, info('Oem.1.0.Teapot')],
  ])('%s is counted: an account that is locked is worse than a BMC that is not asked', async (_how, status, body) => {
    const server = await refusing(status, body);
    const bmc = live(server, { logins: memoryLogins(), password: account.password });
    for (let read = 0; read < 4; read++) expect(await codeOf(bmc.power())).toBe('bmc_auth');
    expect(attempts(server)).toHaveLength(2);
  });

  test('because the BMC is busy is sent once more, and no more often', async () => {
    const server = await refusing(503, {});
    const bmc = live(server, { logins: memoryLogins(), password: account.password });
    expect(await codeOf(bmc.power())).toBe('bmc_unreachable');
    expect(attempts(server)).toHaveLength(2);
  });
});

describe('a BMC that repeats what it was sent', () => {
  const password = 'p4ss/"w0rd\u00e9&+';
  const basic = Buffer.from(`${account.username}:${password}`).toString('base64');
  const spelled = JSON.stringify(password).slice(1, -1);

  test.each([
    ['as it is', JSON.stringify(`The value '${password}' is refused`)],
    ['with a stroke before each slash', `"The value '${spelled.replaceAll('/', '\\/')}' is refused"`],
    ['by numbers of characters', `"The value '${spelled.replaceAll('&', '\\u0026')}' is refused"`],
    ['for a URL', JSON.stringify(`The value '${encodeURIComponent(password)}' is refused`)],
    ['in Base64', JSON.stringify(`The value '${basic}' is refused`)],
  ])('%s tells nobody else', async (_how, message) => {
    const info = `{"MessageId":"Base.1.0.PropertyValueFormatError","Message":${message}}`;
    const text = `{"error":{"@Message.ExtendedInfo":[${info}]}}`;
    const server = await start(seen => (seen.path.endsWith('/Sessions') ? { status: 400, text } : undefined));
    const refused = live(server, { logins: memoryLogins(), password }).power();
    await expect(refused).rejects.toMatchObject({ code: 'bmc_refused', untrusted: "The value '***' is refused" });
  });

  test('in no JSON tells nobody else', async () => {
    const text = `not with ${password}`;
    const server = await start(seen => (seen.path.endsWith('/Sessions') ? { status: 400, text } : undefined));
    const refused = live(server, { logins: memoryLogins(), password }).power();
    await expect(refused).rejects.toMatchObject({ untrusted: 'not with ***' });
  });

  test('the token of its session, neither', async () => {
    const server = await start(({ path, token }) =>
      token && path.endsWith('/Systems/1') ? { status: 400, text: `who is ${token}?` } : undefined,
    );
    const refused = live(server, { logins: memoryLogins(), password: account.password }).power();
    await expect(refused).rejects.toMatchObject({ untrusted: 'who is ***?' });
  });

  test('is asked at the addresses that it names, and shows what else it says as it is', async () => {
    const word = 'Systems';
    const server = await start(({ path, method, body }) => {
      if (method === 'POST' && path.endsWith('/Sessions') && body.includes(word)) {
        const uri = '/redfish/v1/SessionService/Sessions/7';
        return { status: 201, headers: { 'x-auth-token': 'seven', location: uri }, body: { '@odata.id': uri } };
      }
      return undefined;
    });
    server.sessions.set('/redfish/v1/SessionService/Sessions/7', 'seven');
    expect(await live(server, { logins: memoryLogins(), password: word }).power()).toEqual({ value: 'on' });
  });
});
