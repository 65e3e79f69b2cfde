import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCli } from '../../src/surfaces/cli/cli.ts';
import { connect } from '../../src/surfaces/cli/client.ts';
import { keepCheckpoint, recallCheckpoint } from '../../src/surfaces/cli/seen-checkpoints.ts';
import { tokenStore } from '../../src/surfaces/cli/token-store.ts';
import { catalog } from '../../tools/index.ts';

let dir: string;
const servers: Server[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'groundskeeper-cli-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
  await rm(dir, { recursive: true });
});

/** A server that is not ours, as may well sit on a port. */
async function stranger(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that was free a moment ago. */
async function deserted(): Promise<string> {
  const url = await stranger(() => undefined);
  const [server] = servers.splice(-1);
  server?.close();
  return url;
}

async function run(words: string[], settings: { url?: string; token?: string } = {}) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const terminal = { input: Readable.from([]), output, errors, onInterrupt: () => () => undefined };
  const hashPassphrase = async (typed: string) => `hash of ${typed.length}`;
  const deps = { catalog, version: '1.2.3', settings: { configDir: dir, ...settings }, terminal, hashPassphrase };
  const status = await runCli(deps, words);
  output.end();
  errors.end();
  return { status, shown: await text(output), told: await text(errors) };
}

describe('the client', () => {
  test.each([
    'http://10.1.0.1:7420',
    'http://example.org',
    'http://127.evil.example',
    'ftp://127.0.0.1',
    'http://user:pass@127.0.0.1',
    'http://127.0.0.1/path',
    'nonsense',
  ])('refuses %s before anything is sent', url => {
    expect(() => connect({ url, token: 't' })).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });

  test.each(['https://groundskeeper.example', 'http://127.0.0.1:7420', 'http://localhost:1', 'http://[::1]:1'])(
    'takes %s',
    url => expect(connect({ url }).url).toBe(url),
  );

  test('says how to start a service that does not answer', async () => {
    await expect(connect({ url: await deserted() }).me()).rejects.toMatchObject({
      code: 'service_unreachable',
      hint: expect.stringContaining('groundskeeper serve'),
    });
  });

  test('does not take another program for the service, and quotes it as untrusted', async () => {
    const url = await stranger((_request, response) => response.end('<html>router login</html>'));
    await expect(connect({ url }).me()).rejects.toMatchObject({
      code: 'service_unreachable',
      untrusted: '<html>router login</html>',
    });
  });

  test('never follows a redirect with the token', async () => {
    const seen: unknown[] = [];
    const elsewhere = await stranger((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const url = await stranger((_request, response) =>
      response.writeHead(307, { location: `${elsewhere}/v1/me` }).end(),
    );
    await expect(connect({ url, token: 'secret' }).me()).rejects.toMatchObject({ code: 'service_unreachable' });
    expect(seen).toEqual([]);
  });

  test('an id cannot leave its path segment', async () => {
    const paths: (string | undefined)[] = [];
    const url = await stranger((request, response) => {
      paths.push(request.url);
      response.end('{}');
    });
    await connect({ url }).approval('../custody/head?x=#');
    expect(paths).toEqual(['/v1/approvals/..%2Fcustody%2Fhead%3Fx%3D%23']);
    expect(() => connect({ url }).approval('..')).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});

describe('stored log-ins', () => {
  const login = { token: 'secret', person: 'dana', expiresAt: '2030-01-01T00:00:00Z' };

  test('belong to one service each, in a file for the user alone', async () => {
    const store = tokenStore(join(dir, 'new'));
    await store.put('http://127.0.0.1:1', login);
    await store.put('http://127.0.0.1:2', { ...login, person: 'marc' });
    expect(await store.get('http://127.0.0.1:1')).toEqual(login);
    expect(await store.get('http://127.0.0.1:3')).toBeUndefined();
    expect((await stat(store.file)).mode & 0o777).toBe(0o600);
    await store.remove('http://127.0.0.1:1');
    expect(await store.get('http://127.0.0.1:1')).toBeUndefined();
    expect((await store.get('http://127.0.0.1:2'))?.person).toBe('marc');
  });

  test('a damaged file is reported, not overwritten', async () => {
    await writeFile(join(dir, 'token.json'), '{');
    await expect(tokenStore(dir).put('http://127.0.0.1:1', login)).rejects.toMatchObject({ code: 'invalid_config' });
    expect(await readFile(join(dir, 'token.json'), 'utf8')).toBe('{');
  });

  test('a damaged memory of checkpoints is reported, not forgotten', async () => {
    const seen = { verifierKey: 'k', note: 'n', at: 't' };
    await keepCheckpoint(dir, 'http://127.0.0.1:1', seen);
    expect(await recallCheckpoint(dir, 'http://127.0.0.1:1')).toEqual(seen);
    await writeFile(join(dir, 'checkpoints.json'), '[]');
    await expect(recallCheckpoint(dir, 'http://127.0.0.1:1')).rejects.toMatchObject({ code: 'invalid_config' });
  });
});

describe('exit status', () => {
  test('0 for help and version', async () => {
    const help = await run(['--help']);
    expect(help.status).toBe(0);
    for (const word of ['Ask:', 'Change:', 'Decide:', 'Prove:', 'Run:', 'Examples:', 'Exit status:']) {
      expect(help.shown).toContain(word);
    }
    expect(await run(['--version'])).toMatchObject({ status: 0, shown: '1.2.3\n' });
  });

  test('2 for wrong usage and invalid input', async () => {
    expect((await run(['drane-node'])).status).toBe(2);
    expect((await run(['get-node-health'])).status).toBe(2);
    expect((await run(['list-operations', '--limit', '0'])).status).toBe(2);
    expect((await run(['approvals', 'reject', 'apr-1'])).told).toContain('--reason');
  });

  test('4 without a log-in, told as JSON where JSON was asked for', async () => {
    const { status, told } = await run(['get-fleet-overview', '--json']);
    expect(status).toBe(4);
    expect(JSON.parse(told)).toMatchObject({ error: { code: 'unauthenticated' } });
  });

  test('5 when the service is away', async () => {
    const { status, told } = await run(['whoami'], { url: await deserted(), token: 't' });
    expect(status).toBe(5);
    expect(told).toContain('groundskeeper serve');
  });

  test('what the service answers decides the rest', async () => {
    const answers = { forbidden: 3, unauthenticated: 4, bmc_unreachable: 5, not_found: 1 };
    for (const [code, status] of Object.entries(answers)) {
      const error = { code, message: 'no', retry: 'never' };
      const url = await stranger((_request, response) => response.writeHead(400).end(JSON.stringify({ error })));
      expect((await run(['whoami'], { url, token: 't' })).status, code).toBe(status);
    }
  });
});

test('a passphrase is asked for on a terminal or read from a file, never from a pipe', async () => {
  expect((await run(['hash-passphrase'])).told).toContain('--passphrase-file');
  await writeFile(join(dir, 'pass'), 'correct horse\nsecond line\n');
  expect((await run(['hash-passphrase', '--passphrase-file', join(dir, 'pass')])).shown).toBe('hash of 13\n');
});
