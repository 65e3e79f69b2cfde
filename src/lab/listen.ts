/** Binding a server of the lab to its address, with an error that names the address. */
import { once } from 'node:events';
import type { Server } from 'node:net';
import { FleetError } from '../core/errors.ts';

/** Listens and returns the port that was bound. Throws port_taken when the address is in use. */
export async function listen(server: Server, address: string, port: number): Promise<number> {
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    throw new FleetError({
      code: taken ? 'port_taken' : 'internal',
      message: `the lab cannot listen on ${address}:${port}${taken ? ': the port is in use' : ''}`,
      hint: taken
        ? 'Stop the program that uses this port, or start the lab with another address base.'
        : 'Check that this machine has the address.',
      cause,
    });
  }
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}
