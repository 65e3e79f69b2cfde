/**
 * What a call over MCP costs, each made once in every round by one client:
 * the least that the SDK can serve, which is an echo tool without a door; the
 * same behind our door; and tools of the service. Those that answer from memory
 * and database alone stand beside the bare echo. Those that ask BMCs stand
 * beside the same tool over the service's plain HTTP, so that what is left is
 * not the BMCs' time. Every server is a process of its own.
 *
 *   npm run bench:mcp -- [--rounds 1000] [--profile folder]
 *
 * It ends with 1 where one of the former is more than 2 ms slower at the median.
 *
 * Seen on 2026-11-27, on two cores of its own, milliseconds at the median: bare echo 1.06; our door +0.35, listFindings +0.71, listOperations, a
 * query in the database included, +1.15. Over plain HTTP, which asks the same BMCs: getFleetOverview 27.4 instead of 26.6, getNodeHealth 12.0
 * instead of 11.0. What listFindings is over the echo is nearly all our door and policy's decision.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { parse, stringify } from 'yaml';
import { startChild } from '../src/demo/child.ts';
import { type LabConfig, writeLabConfig } from '../src/demo/lab-config.ts';
import { connect } from '../src/surfaces/cli/client.ts';
import { startTokenIssuer } from '../test/support/token-issuer.ts';
import type { EchoServer } from './parts/echo-server.ts';
import { start } from './parts/messages.ts';
import { numberFlag } from './parts/number-flag.ts';
import type { RolloutLab } from './parts/rollout-lab.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, profile: { type: 'string' } },
});
const rounds = numberFlag(values, 'rounds');
/** At the median, over the bare echo. */
const allowedMs = 2;
const subject = 'bench';
const addressBase = '127.100';
const listen = `${addressBase}.250.1:7420`;
const origin = `http://${listen}`;

type Subject = { name: string; call(): Promise<unknown>; times: number[]; beside?: Subject };

/** Throws where the tool failed. */
function overMcp(client: Client, name: string, input: Record<string, unknown>): () => Promise<unknown> {
  return async () => {
    const { isError, content } = await client.callTool({ name, arguments: input });
    if (isError) throw new Error(`${name} failed: ${JSON.stringify(content)}`);
  };
}

async function connected(server: string, token?: string): Promise<Client> {
  const client = new Client({ name: 'bench', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const requestInit = token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', server), { requestInit }));
  return client;
}

/** The service on a small lab; MCP over HTTP for whom `issuer` vouches. */
async function withService(dir: string, issuer: string, body: (config: LabConfig) => Promise<void>): Promise<void> {
  const lab = start<RolloutLab>('./rollout-lab.ts');
  try {
    const size = { sites: 1, controlPlanes: 1, workers: 4, pdbs: true };
    const description = await lab.ask('start', { dir, ...size, speed: 60, seed: 7, addressBase });
    const config = await writeLabConfig(description, {
      dir,
      port: 0,
      database: 'embedded',
      mcpScope: 'read',
      rollout: { soak: '1s', pollInterval: '2s' },
      sampleEvery: 'off',
    });
    const document = parse(await readFile(config.file, 'utf8')) as { service: object; people: object[] };
    Object.assign(document.service, { listen, publicUrl: origin });
    Object.assign(document, { oidc: { issuer, clientId: 'groundskeeper' }, mcp: { scope: 'read', http: true } });
    Object.assign(document.people[0] ?? {}, { oidc: { subject } });
    await writeFile(config.file, stringify(document));
    const env: Record<string, string> = values.profile
      ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${values.profile}` }
      : {};
    const service = await startChild(['serve', '--config', config.file, '--log-level', 'warn'], env);
    try {
      await body(config);
    } finally {
      await service.stop();
    }
  } finally {
    await lab.stop();
  }
}

/** Each is called once in a round, in an order of its own: none always follows another. */
async function measure(subjects: Subject[], rounds: number): Promise<void> {
  for (let round = -Math.ceil(rounds / 5); round < rounds; round++) {
    for (const { call, times } of shuffled(subjects)) {
      const began = performance.now();
      await call();
      if (round >= 0) times.push(performance.now() - began);
    }
  }
}

function shuffled<T>(all: T[]): T[] {
  return all
    .map(each => ({ each, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ each }) => each);
}

function at({ times }: Subject, part: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN;
}

/** Milliseconds over what it stands beside. */
function over(each: Subject, part: number): number {
  return each.beside ? at(each, part) - at(each.beside, part) : Number.NaN;
}

/** The tenth part is hardly disturbed by whatever else the machine does. */
function report(subjects: Subject[]): void {
  const line = (name: string, cells: string[], beside: string) =>
    console.log(`${name.padEnd(30)}${cells.map(cell => cell.padStart(9)).join('')}  ${beside}`);
  line('milliseconds', ['p10', 'median', 'p95', '+ p10', '+ median', 'ratio'], 'over');
  for (const each of subjects) {
    const own = [at(each, 0.1), at(each, 0.5), at(each, 0.95)];
    const compared = each.beside ? [over(each, 0.1), over(each, 0.5), at(each, 0.5) / at(each.beside, 0.5)] : [];
    line(
      each.name,
      [...own, ...compared].map(value => value.toFixed(2)),
      each.beside?.name ?? '',
    );
  }
}

const dir = await mkdtemp(join(tmpdir(), 'groundskeeper-bench-'));
const issuer = await startTokenIssuer('127.0.0.1');
const echoes = start<EchoServer>('./echo-server.ts');
try {
  await withService(dir, issuer.url, async ({ people: [person] }) => {
    const servers = await echoes.ask('start', { issuer: issuer.url, subject });
    const token = (of: string) => issuer.token({ sub: subject, aud: `${of}/mcp`, scope: 'read' });
    const [bareClient, doorClient, ours] = await Promise.all([
      connected(servers.bare),
      connected(servers.behindDoor, await token(servers.behindDoor)),
      connected(origin, await token(origin)),
    ]);
    const { token: session } = await connect({ url: origin }).login({ ...person, channel: 'cli' });
    const plain = connect({ url: origin, token: session });

    const one = (name: string, call: Subject['call'], beside?: Subject): Subject => ({
      name,
      call,
      times: [],
      ...(beside && { beside }),
    });
    const bare = one('echo, bare SDK', overMcp(bareClient, 'echo', { text: 'hello' }));
    const fromMemory = ['listFindings', 'listOperations'].map(name => one(name, overMcp(ours, name, {}), bare));
    const asking = Object.entries({ getFleetOverview: {}, getNodeHealth: { node: 'bos-w-1' } }).flatMap(
      ([name, input]) => {
        const twin = one(`${name}, plain HTTP`, () => plain.callTool(name, input));
        return [twin, one(name, overMcp(ours, name, input), twin)];
      },
    );
    const door = one('echo, behind our door', overMcp(doorClient, 'echo', { text: 'hello' }), bare);
    await measure([bare, door, ...fromMemory], rounds);
    await measure(asking, Math.ceil(rounds / 10)); // apart: BMCs keep the machine busy
    report([bare, door, ...fromMemory, ...asking]);
    if (fromMemory.some(each => over(each, 0.5) > allowedMs)) process.exitCode = 1;
  });
} finally {
  await echoes.stop();
  await issuer.close();
  await rm(dir, { recursive: true, force: true });
}
