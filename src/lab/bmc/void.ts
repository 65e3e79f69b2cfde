/** A port behind which packets vanish, as at the far end of a cut line: connections open, and nothing ever comes back. */
import { createServer, type Server, type Socket } from 'node:net';

export class Void {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** Takes the port that whoever served it has just left. */
  open(address: string, port: number): void {
    this.#server ??= createServer(socket => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    })
      // A port that was lost meanwhile stays refused.
      .on('error', () => {})
      .listen(port, address);
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }
}
