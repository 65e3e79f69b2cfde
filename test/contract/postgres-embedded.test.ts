import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.ts';

let folder = '';
let dataDir = '';
const started = new Set<EmbeddedPostgres>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gk-embedded-'));
  await chmod(folder, 0o755);
  dataDir = join(folder, 'data');
});
afterEach(async () => {
  for (const server of started) await server.stop();
  started.clear();
  await rm(folder, { recursive: true, force: true });
});

async function start(dir = dataDir): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: dir });
  started.add(server);
  return server;
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true');
    await delay(20);
  }
}

describe('the embedded Postgres', () => {
  it('is reached through a private socket only, and keeps what is committed', async () => {
    const { url } = await start();
    const shown = await query(
      url,
      "select current_database() as db, current_setting('listen_addresses') as tcp, current_setting('fsync') as fsync",
    );
    expect(shown).toEqual([{ db: 'gk', tcp: '', fsync: 'on' }]);
    expect((await stat(new URL(url).searchParams.get('host') ?? '')).mode & 0o777).toBe(0o700);
  });

  it('ends at stop, and comes back with its data', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as n');
    await first.stop();
    await until(() => !alive(first.pid));
    await first.stop();
    const second = await start();
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 42 }]);
  });

  it('stops although a session is in the middle of a transaction', async () => {
    const server = await start();
    const client = new pg.Client({ connectionString: server.url });
    let cut = false;
    client.on('error', () => {
      cut = true;
    });
    await client.connect();
    await client.query('begin');
    await server.stop();
    await until(() => !alive(server.pid));
    await until(() => cut);
  });

  it('is adopted by a second start, and by several at once', async () => {
    const first = await start();
    const others = await Promise.all([start(), start()]);
    expect(others.map(other => [other.pid, other.url])).toEqual(others.map(() => [first.pid, first.url]));
    await others[0]?.stop();
    await until(() => !alive(first.pid));
  });

  it('is one server when two make the data folder at the same time', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.pid).toBe(two.pid);
    expect(await query(one.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  it('starts again after kill -9 with everything that was committed', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as n');
    process.kill(first.pid, 'SIGKILL');
    const second = await start();
    expect(second.pid).not.toBe(first.pid);
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 42 }]);
  });

  it('starts although its old pid belongs to another program by now', async () => {
    const first = await start();
    const stale = ['', dataDir, '1700000000', '5432', dataDir, '', '0 0', 'ready'];
    await first.stop();
    const user = process.getuid?.() === 0 ? 65534 : undefined; // whom Postgres itself would spare
    const bystander = spawn('sleep', ['60'], { uid: user, gid: user });
    try {
      stale[0] = String(bystander.pid);
      await writeFile(join(dataDir, 'postmaster.pid'), `${stale.join('\n')}\n`);
      const second = await start();
      expect(second.pid).not.toBe(bystander.pid);
      expect(alive(bystander.pid ?? 0)).toBe(true);
    } finally {
      bystander.kill();
    }
  });

  it('does not start beside a session that a killed server left behind', async () => {
    const first = await start();
    const client = new pg.Client({ connectionString: first.url });
    client.on('error', () => {});
    await client.connect();
    const session = (await client.query('select pg_backend_pid() as pid')).rows[0].pid;
    process.kill(session, 'SIGSTOP');
    try {
      process.kill(first.pid, 'SIGKILL');
      const second = start();
      const log = () => readFileSync(join(dataDir, 'server.log'), 'utf8');
      await until(() => /pre-existing shared memory block .* is still in use/.test(log()));
      process.kill(session, 'SIGKILL');
      expect((await second).pid).not.toBe(first.pid);
    } finally {
      if (alive(session)) process.kill(session, 'SIGKILL');
      await client.end().catch(() => {});
    }
  });

  it('outlives Ctrl-C and the death of the program that started it', async () => {
    const script = `
      import { startEmbeddedPostgres } from ${JSON.stringify(new URL('../../src/adapters/postgres/embedded.ts', import.meta.url).href)};
      const server = await startEmbeddedPostgres({ dataDir: process.argv[1] });
      console.log(server.pid);
      setInterval(() => {}, 1000);`;
    const args = ['--input-type=module-typescript', '-e', script, dataDir];
    const parent = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout, 'data');
    const gone = once(parent, 'exit');
    process.kill(-(parent.pid ?? 0), 'SIGINT'); // what a terminal does: to the whole process group
    await gone;
    expect(alive(Number(line))).toBe(true);
    const adopted = await start();
    expect(adopted.pid).toBe(Number(line));
    await adopted.stop();
    await until(() => !alive(adopted.pid));
  });

  it('puts its socket elsewhere when the path is too long for one', async () => {
    const { url, stop } = await start(join(folder, 'x'.repeat(100), 'data'));
    const socketDir = new URL(url).searchParams.get('host') ?? '';
    expect(socketDir.length).toBeLessThan(85);
    expect((await stat(socketDir)).mode & 0o777).toBe(0o700);
    expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }]);
    await stop();
    await expect(stat(socketDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('starts in a folder that only its owner can reach', async () => {
    await chmod(folder, 0o700);
    const { url } = await start();
    expect(await query(url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });
});

describe('a start that cannot succeed', () => {
  it('leaves a folder with other content alone', async () => {
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'thesis.txt'), 'precious');
    await expect(start()).rejects.toMatchObject({ code: 'invalid_config' });
    expect((await stat(join(dataDir, 'thesis.txt'))).size).toBe(8);
  });

  it('refuses data of another major version', async () => {
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'PG_VERSION'), '12\n');
    await expect(start()).rejects.toMatchObject({ code: 'invalid_config' });
  });

  it('reports the end of the server log, as untrusted text', async () => {
    const server = await start();
    await server.stop();
    await writeFile(join(dataDir, 'postgresql.conf'), 'no_such_setting = 1\n');
    await expect(start()).rejects.toMatchObject({
      code: 'database',
      untrusted: expect.stringContaining('no_such_setting'),
    });
  });
});
