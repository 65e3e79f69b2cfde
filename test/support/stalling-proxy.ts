/** A way to Postgres that can go silent as a lost route does: nothing is refused, nothing is closed, nothing arrives. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type StallingProxy = {
  /** The database's URL by this way. */
  url: string;
  stall(): void;
  close(): void;
};

/** `databaseUrl` as the embedded server has it: over a unix socket. */
export async function stallingProxy(databaseUrl: string): Promise<StallingProxy> {
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
      from.on('close', () => void (stalled || to.destroy()));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.searchParams.delete('host');
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    stall() {
      stalled = true;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
