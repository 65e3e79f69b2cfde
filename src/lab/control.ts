/**
 * A small HTTP API beside the simulated fleet, for people and tests in other
 * processes: what the lab is, what reached it, and what shall go wrong.
 * Nothing of the product talks to it.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import { clusterFaultSchema } from './cluster/api/faults.ts';
import type { RunningCluster } from './cluster/cluster.ts';
import { endTrouble, playTrouble, type Trouble, troubleSchema } from './correlated.ts';
import { describeLab } from './description.ts';
import { faultSchema } from './faults.ts';
import type { LabNode, RunningLab } from './lab.ts';
import { listen } from './listen.ts';

const address = '127.0.0.1';
const serverFault = z.strictObject({ server: z.string(), fault: faultSchema });
const clusterFault = z.strictObject({ cluster: z.string(), fault: clusterFaultSchema });
const troubleKind = z.enum(troubleSchema.options.map(each => each.shape.kind.value) as [Trouble['kind']]);
const clusterAction = z.enum(['restart', 'cut-watches', 'compact']);

/** Serves the control API on 127.0.0.1. Throws port_taken when `port` is in use. */
export async function startControl(
  lab: Omit<RunningLab, 'controlUrl'>,
  port: number,
): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    handle(lab, request)
      .catch((error: unknown) => failure(error))
      .then(({ status, body }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
      });
  });
  const bound = await listen(server, address, port);
  return {
    url: `http://${address}:${bound}`,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Sites = Pick<RunningLab, 'sites'>;
type ControlReply = { status: number; body: unknown };

async function handle(lab: Omit<RunningLab, 'controlUrl'>, request: IncomingMessage): Promise<ControlReply> {
  // A web page, whatever name it resolves to this address, must not drive the lab.
  const host = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? '');
  if (!host || request.headers.origin !== undefined) return { status: 403, body: { error: 'not for browsers' } };
  const url = new URL(request.url ?? '/', `http://${address}`);
  const route = `${request.method} ${url.pathname}`;
  const nodes = lab.sites.flatMap(site => site.nodes);
  if (route === 'GET /lab') return { status: 200, body: describeLab(lab) };
  if (route === 'GET /effects') {
    return { status: 200, body: lab.effects.since(Number(url.searchParams.get('after') ?? 0) || 0) };
  }
  if (route === 'GET /sessions') return { status: 200, body: nodes.map(openSessions) };
  if (route === 'GET /faults') return { status: 200, body: faultsOf(lab) };
  if (route === 'POST /faults') return { status: 200, body: setFault(lab, JSON.parse(await readText(request))) };
  const cleared = /^DELETE \/faults\/([^/]+)$/.exec(route)?.[1];
  if (cleared !== undefined) {
    const cluster = lab.sites.find(site => site.cluster.name === cleared)?.cluster;
    (cluster ?? serverOf(nodes, cleared)).faults.clear();
    return { status: 200, body: [] };
  }
  if (route === 'POST /troubles') {
    const { servers } = playTrouble(lab, troubleSchema.parse(JSON.parse(await readText(request))));
    return { status: 200, body: { servers } };
  }
  const [, site = '', kind] = /^DELETE \/troubles\/([^/]+)\/([^/]+)$/.exec(route) ?? [];
  if (kind !== undefined) {
    endTrouble(lab, { site, kind: troubleKind.parse(kind) });
    return { status: 200, body: {} };
  }
  const [, cluster = '', action] = /^POST \/clusters\/([^/]+)\/([^/]+)$/.exec(route) ?? [];
  if (action !== undefined) {
    await perform(clusterOf(lab, cluster), clusterAction.parse(action));
    return { status: 200, body: {} };
  }
  throw new FleetError({ code: 'not_found', message: 'the control API has no such resource' });
}

function faultsOf(lab: Sites): object {
  const nodes = lab.sites.flatMap(site => site.nodes.map(node => [node.name, node.server.faults.list()]));
  const clusters = lab.sites.map(({ cluster }) => [cluster.name, cluster.faults.list()]);
  return Object.fromEntries([...nodes, ...clusters]);
}

function setFault(lab: Sites, asked: object): object[] {
  const place = 'cluster' in asked ? clusterFault.parse(asked) : serverFault.parse(asked);
  if ('cluster' in place) {
    const { faults } = clusterOf(lab, place.cluster);
    faults.set(place.fault);
    return faults.list();
  }
  const { faults } = serverOf(
    lab.sites.flatMap(site => site.nodes),
    place.server,
  );
  faults.set(place.fault);
  return faults.list();
}

async function perform(cluster: RunningCluster, action: z.infer<typeof clusterAction>): Promise<void> {
  switch (action) {
    case 'restart':
      return cluster.restart();
    case 'cut-watches':
      return cluster.cutWatches();
    case 'compact':
      return cluster.compact();
  }
}

function clusterOf(lab: Sites, name: string): RunningCluster {
  const found = lab.sites.find(site => site.cluster.name === name);
  if (found === undefined) throw new FleetError({ code: 'not_found', message: `the lab has no cluster ${name}` });
  return found.cluster;
}

function openSessions({ name, server }: LabNode): { server: string; bmcUrl: string; count: number; sessions: unknown } {
  const sessions = server.sessions();
  return { server: name, bmcUrl: server.url, count: sessions.length, sessions };
}

function serverOf(nodes: LabNode[], name: string): LabNode['server'] {
  const node = nodes.find(each => each.name === name);
  if (node === undefined) throw new FleetError({ code: 'not_found', message: `the lab has no server ${name}` });
  return node.server;
}

function failure(error: unknown): ControlReply {
  if (error instanceof z.ZodError) return { status: 400, body: { error: z.prettifyError(error) } };
  if (error instanceof SyntaxError) return { status: 400, body: { error: 'the body is no JSON' } };
  const known = FleetError.from(error);
  return { status: known.code === 'not_found' ? 404 : 500, body: { error: known.message } };
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
