/**
 * Where tasks take place: the whole service against a lab, and people of different rights. Tasks of one scene share it; what one
 * asks for is taken back before the next. The model is an endpoint that somebody named, or a script over HTTP.
 */
import { randomBytes, scryptSync } from 'node:crypto';
import pg from 'pg';
import type { ChangeAnswer } from '../../src/core/change.ts';
import type { Plan } from '../../src/core/plan.ts';
import { type Client, connect } from '../../src/surfaces/cli/client.ts';
import { type ModelServer, repliesSoFar, startModelServer } from '../../test/support/model-server.ts';
import { eventually, type Stack, type StackOptions, startStack } from '../../test/support/stack.ts';
import type { Script } from './task.ts';

/** `calm`: all is well. `sick`: machines fail, and one BMC is silent. `busy`: an operation is under way, another has ended. */
export const sceneNames = ['calm', 'sick', 'busy'] as const;
export type SceneName = (typeof sceneNames)[number];

/** Who may ask in a scene: `viewer` may look, and `local` is an operator of boston alone. */
const people = {
  operator: { name: 'day-shift', groups: ['operators'], passphrase: 'a passphrase of the day' },
  approver: { name: 'night-shift', groups: ['operators'], passphrase: 'a passphrase of the night' },
  viewer: { name: 'visitor', groups: ['developers'], passphrase: 'a passphrase of a guest' },
  local: { name: 'boston-desk', groups: ['boston:operators'], passphrase: 'a passphrase of boston' },
} as const;
export type PersonName = keyof typeof people;
export const personNames = Object.keys(people) as PersonName[];
type Person = { name: string; passphrase: string };

export type Endpoint = {
  baseUrl: string;
  model: string;
  /** Name of the variable of the environment that holds it. */
  keyEnv?: string;
  /** For a million tokens. */
  prices?: { input: number; output: number };
};

export type SceneOptions = {
  /** A Postgres server; that of the run of tests unless said. */
  postgresUrl?: string;
  /** A scripted model unless said. */
  endpoint?: Endpoint;
};

export type Scene = {
  name: SceneName;
  stack: Stack;
  client(who: PersonName): Promise<Client>;
  person(who: PersonName): Person;
  /** The output of a tool, as the operator calls it. */
  read<T>(tool: string, input?: Record<string, unknown>): Promise<T>;
  rows<T extends pg.QueryResultRow>(sql: string): Promise<T[]>;
  /** What the scripted model does from now on; throws where the model is a real one. */
  plays(script: Script): void;
  close(): Promise<void>;
};

const layouts: Record<SceneName, Pick<StackOptions, 'addressBase' | 'sites' | 'workers' | 'sampleEvery'>> = {
  calm: { addressBase: '127.151', sites: 2, workers: 3 },
  sick: { addressBase: '127.152', workers: 4, sampleEvery: '1s' },
  busy: { addressBase: '127.153', workers: 3 },
};

export async function openScene(name: SceneName, { postgresUrl, endpoint }: SceneOptions): Promise<Scene> {
  const server = endpoint ? undefined : await startModelServer();
  const { baseUrl, model, keyEnv, prices } = endpoint ?? { baseUrl: server?.baseUrl ?? '', model: 'scripted' };
  const stack = await startStack({
    controlPlanes: 1,
    ...layouts[name],
    healthCordon: 'off',
    assistant: { baseUrl, model, ...(keyEnv && { apiKey: `env:${keyEnv}` }) },
    ...(postgresUrl && { postgresUrl }),
    configure(document) {
      document.people = Object.values(people).map(({ name, groups, passphrase }) => ({
        name,
        groups: [...groups],
        passphrase: quickHash(passphrase),
      }));
      // So that an operation that waits goes on waiting, and that no day of ours is over too soon.
      Object.assign(document.rollout, { drainTimeout: '6h' });
      Object.assign(document.assistant ?? {}, { tokensPerDay: 1_000_000_000, ...(prices && { prices }) });
    },
  }).catch(async thrown => {
    await server?.close();
    throw thrown;
  });
  const pool = new pg.Pool({ connectionString: stack.databaseUrl, max: 2 });
  pool.on('error', () => undefined);
  const clients = new Map<PersonName, Promise<Client>>();
  const client = (who: PersonName) => {
    const known = clients.get(who) ?? logIn(stack, people[who]);
    clients.set(who, known);
    return known;
  };
  return {
    name,
    stack,
    client,
    person: who => people[who],
    read: async <T>(tool: string, input: Record<string, unknown> = {}) =>
      (await (await client('operator')).callTool(tool, input)).output as T,
    rows: async <T extends pg.QueryResultRow>(sql: string) => (await pool.query<T>(sql)).rows,
    plays(script) {
      if (!server) throw new Error('the model of this scene is a real one');
      play(server, script);
    },
    async close() {
      await pool.end();
      await stack.close();
      await server?.close();
    },
  };
}

/** At the least cost that the product takes: how long a passphrase takes to check is nothing that is measured here. */
function quickHash(passphrase: string): string {
  const [logN, r, p] = [14, 8, 1];
  const salt = randomBytes(16);
  const key = scryptSync(passphrase, salt, 32, { N: 2 ** logN, r, p, maxmem: 2 ** 26 });
  return `scrypt:${logN}:${r}:${p}:${salt.toString('base64url')}:${key.toString('base64url')}`;
}

async function logIn(stack: Stack, { name, passphrase }: Person): Promise<Client> {
  const { url } = stack.service().ready;
  const { token } = await connect({ url }).login({ name, passphrase, channel: 'cli' });
  return connect({ url, token });
}

function play(server: ModelServer, script: Script): void {
  server.says(asked => {
    const turn = asked.messages.filter(({ role }) => role === 'user').length - 1;
    const step = script[turn]?.[repliesSoFar(asked)] ?? 'I have nothing more to say.';
    return typeof step === 'string' ? { text: step } : { calls: [step].flat() };
  });
}

/** A plan by this tool that asks for nothing. */
export async function storedPlan(scene: Scene, tool: string, input: object): Promise<{ plan: Plan; digest: string }> {
  const dry = { ...input, ...(tool.startsWith('plan') ? {} : { dryRun: true }) };
  const output = await scene.read<{ plan: Plan | string; digest: string }>(tool, dry);
  if (typeof output.plan !== 'string') return { plan: output.plan, digest: output.digest };
  return scene.read('getPlan', { plan: output.plan });
}

/** A request of the operator's that waits for votes. */
export async function request(scene: Scene, tool: string, input: object): Promise<{ approval: string; plan: string }> {
  const { approval = '', plan } = await scene.read<ChangeAnswer>(tool, { ...input });
  return { approval, plan };
}

/** Asked for by the operator, approved by the other one. Answers the operation. */
export async function begun(scene: Scene, { plan, digest }: { plan: Plan; digest: string }): Promise<string> {
  const { approval = '', operation } = await scene.read<ChangeAnswer>('startPlan', { plan: plan.id, digest });
  if (operation) return operation;
  const { passphrase } = scene.person('approver');
  const voted = await (await scene.client('approver')).vote(approval, { vote: 'approve', reason: 'go', passphrase });
  return voted.operation ?? '';
}

/** Waits until none of these operations is under way any more. */
export async function allEnded(scene: Scene, operations: string[]): Promise<void> {
  if (operations.length === 0) return;
  const named = operations.map(id => `'${id}'`).join(', ');
  await eventually(`${operations.join(', ')} to end`, async () => {
    const open = await scene.rows(`select id from operation where id in (${named}) and ended_at is null`);
    return open.length === 0 ? true : undefined;
  });
}
