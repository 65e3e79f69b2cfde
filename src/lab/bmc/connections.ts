/** The connections of one server, so that one of them can be reset as a network does it: by TCP, below TLS. */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** How often a client proved to be there by TLS, and how often of these it resumed an earlier session. */
export type Handshakes = { all: number; resumed: number };

export class Connections {
  readonly #open = new Map<string, { raw: Socket; requests: number }>();
  readonly handshakes: Handshakes = { all: 0, resumed: 0 };

  constructor(server: Server, refuses: () => boolean) {
    server.on('connection', (raw: Socket) => {
      if (refuses()) {
        raw.resetAndDestroy();
        return;
      }
      const name = nameOf(raw);
      this.#open.set(name, { raw, requests: 0 });
      raw.once('close', () => this.#open.delete(name));
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.handshakes.all++;
      if (socket.isSessionReused()) this.handshakes.resumed++;
    });
  }

  /** Counts a request on this connection; true when it was used before. */
  reused(socket: Socket): boolean {
    const connection = this.#open.get(nameOf(socket));
    if (connection === undefined) return false;
    connection.requests++;
    return connection.requests > 1;
  }

  reset(socket: Socket): void {
    this.#open.get(nameOf(socket))?.raw.resetAndDestroy();
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
