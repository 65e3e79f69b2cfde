/** The connections of one server, so that one of them can be reset as a network does it: by TCP, below TLS. */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

export type ConnectionCounts = {
  /** TLS handshakes since the start. */
  made: number;
  /** Now. */
  open: number;
};

export class Connections {
  readonly #open = new Map<string, { raw: Socket; requests: number }>();
  #made = 0;

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
    server.on('secureConnection', () => {
      this.#made++;
    });
  }

  get counts(): ConnectionCounts {
    return { made: this.#made, open: this.#open.size };
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
