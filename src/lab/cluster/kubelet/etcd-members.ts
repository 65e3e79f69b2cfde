/**
 * The cluster's etcd as far as others can see it: a member per control-plane
 * host, well while its host runs, with the health and metrics that etcd serves
 * over plain HTTP to those who may only look.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { listen } from '../../listen.ts';
import type { LabNode } from './node-object.ts';

export type EtcdEndpoint = { node: string; url: string };

export class EtcdMembers {
  readonly #nodes: LabNode[];
  readonly #servers: { node: LabNode; server: Server; port: number; stop: () => void }[] = [];
  #leader: string | undefined;

  constructor(nodes: LabNode[]) {
    this.#nodes = nodes.filter(({ role }) => role === 'control-plane');
  }

  /** Why etcd cannot serve the API server now, undefined when it can. */
  problem(): string | undefined {
    return this.#hasQuorum() ? undefined : 'etcd client connection: context deadline exceeded';
  }

  /** Serves each member's `/health` and `/metrics` on a free port of the address while its host runs. */
  async serve(address: string): Promise<EtcdEndpoint[]> {
    for (const node of this.#nodes) {
      const server = createServer((request, response) => {
        const { status, type, body } = this.#answer(node, request.url ?? '');
        response.writeHead(status, { 'content-type': type }).end(body);
      });
      const port = await listen(server, address, 0);
      this.#servers.push({ node, server, port, stop: followPower(node, server, { address, port }) });
    }
    return this.#servers.map(({ node, port }) => ({ node: node.name, url: `http://${address}:${port}` }));
  }

  async stop(): Promise<void> {
    for (const { server, stop } of this.#servers.splice(0)) {
      stop();
      await close(server);
    }
  }

  #hasQuorum(): boolean {
    return this.#running().length > Math.floor(this.#nodes.length / 2) || this.#nodes.length === 0;
  }

  #running(): LabNode[] {
    return this.#nodes.filter(({ host }) => host.phase === 'os');
  }

  /** The leader stays while it runs; then the first member that does takes over, if the rest are a majority. */
  #currentLeader(): string | undefined {
    if (!this.#hasQuorum()) this.#leader = undefined;
    else if (!this.#running().some(({ name }) => name === this.#leader)) this.#leader = this.#running()[0]?.name;
    return this.#leader;
  }

  #answer(node: LabNode, path: string): { status: number; type: string; body: string } {
    const leader = this.#currentLeader();
    if (path === '/health') {
      const healthy = leader !== undefined;
      const body = JSON.stringify({ health: String(healthy), reason: healthy ? '' : 'RAFT NO LEADER' });
      return { status: healthy ? 200 : 503, type: 'application/json', body };
    }
    if (path === '/metrics') {
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: metricsOf(node, leader) };
    }
    return { status: 404, type: 'text/plain', body: '404 page not found\n' };
  }
}

function metricsOf({ name }: LabNode, leader: string | undefined): string {
  const id = createHash('sha256').update(`etcd/${name}`).digest('hex').slice(0, 16);
  const gauges = [
    ['etcd_server_has_leader', 'Whether or not a leader exists. 1 is existence, 0 is not.', '', leader ? 1 : 0],
    [
      'etcd_server_id',
      "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
      `{server_id="${id}"}`,
      1,
    ],
    [
      'etcd_server_is_leader',
      'Whether or not this member is a leader. 1 if is, 0 otherwise.',
      '',
      leader === name ? 1 : 0,
    ],
    ['etcd_server_is_learner', 'Whether or not this member is a learner. 1 if is, 0 otherwise.', '', 0],
  ] as const;
  return gauges
    .map(
      ([metric, help, labels, value]) =>
        `# HELP ${metric} ${help}\n# TYPE ${metric} gauge\n${metric}${labels} ${value}\n`,
    )
    .join('');
}

/** Refuses connections while the host does not run, and takes them again once it does. */
function followPower({ host }: LabNode, server: Server, at: { address: string; port: number }): () => void {
  const down = () => void close(server);
  const up = () => {
    if (!server.listening) server.listen(at.port, at.address);
  };
  host.on('down', down);
  host.on('up', up);
  return () => {
    host.off('down', down);
    host.off('up', up);
  };
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
