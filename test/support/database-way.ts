/** A way to Postgres that can be lost: silently, as a route is, or with every connection ended, as when the server stops. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type DatabaseWay = {
  /** The database's URL by this way. */
  url: string;
  /** From here on nothing is refused, nothing is closed, nothing arrives. */
  stall(): void;
  /** Ends every connection, and takes no other one until `restore`. */
  sever(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
};

/** `databaseUrl` as the embedded server has it: over a unix socket. */
export async function databaseWay(databaseUrl: string): Promise<DatabaseWay> {
  const path = `${new URL(databaseUrl).searchParams.get('host')}/.s.PGSQL.5432`;
  const sockets = new Set<Socket>();
  let stalled = false;
  const server = createServer(near => {
    const far = connect(path);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', bytes => void (stalled || to.write(bytes)));
      from.on('end', () => void (stalled || to.end()));
      from.on('close', () => {
        sockets.delete(from);
        if (!stalled) to.destroy();
      });
    }
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const sever = () =>
    new Promise<void>(done => {
      server.close(() => done());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.searchParams.delete('host');
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    stall() {
      stalled = true;
    },
    sever,
    restore: () => listen(port),
    async close() {
      if (server.listening) await sever();
    },
  };
}
