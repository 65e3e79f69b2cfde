/** A database that can disappear and come back: its socket, with somebody in between who hangs up on everybody. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type SeverableDatabase = {
  url: string;
  /** Ends every connection and takes no other one. */
  sever(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
};

export async function severable(original: string): Promise<SeverableDatabase> {
  const name = '.s.PGSQL.5432';
  const url = new URL(original);
  const real = join(url.searchParams.get('host') ?? '', name);
  const dir = await mkdtemp(join(tmpdir(), 'gk-db-'));
  url.searchParams.set('host', dir);
  const open = new Set<Socket>();
  const server = createServer(client => {
    const database = createConnection(real);
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from
        .on('error', () => {})
        .on('close', () => {
          open.delete(from);
          to.destroy();
        });
    }
  });
  const listen = () => new Promise<void>(done => server.listen(join(dir, name), done));
  const sever = () =>
    new Promise<void>(done => {
      server.close(() => done());
      for (const socket of open) socket.destroy();
    });
  await listen();
  return {
    url: url.href,
    sever,
    restore: listen,
    async close() {
      if (server.listening) await sever();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
