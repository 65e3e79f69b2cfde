/**
 * A small HTTP API beside the simulated fleet, for people and tests in other
 * processes: what the lab is, what reached it, and what shall go wrong.
 * Nothing of the product talks to it.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import { FleetError } from '../core/errors.ts';
import { describeLab } from './description.ts';
import { faultSchema } from './faults.ts';
import type { LabNode, RunningLab } from './lab.ts';
import { listen } from './listen.ts';

const address = '127.0.0.1';
const faultRequest = z.strictObject({ server: z.string(), fault: faultSchema });

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
  if (route === 'GET /faults') {
    return { status: 200, body: Object.fromEntries(nodes.map(node => [node.name, node.server.faults.list()])) };
  }
  if (route === 'POST /faults') {
    const { server, fault } = faultRequest.parse(JSON.parse(await readText(request)));
    serverOf(nodes, server).faults.set(fault);
    return { status: 200, body: serverOf(nodes, server).faults.list() };
  }
  const cleared = /^DELETE \/faults\/([^/]+)$/.exec(route)?.[1];
  if (cleared !== undefined) {
    serverOf(nodes, cleared).faults.clear();
    return { status: 200, body: [] };
  }
  throw new FleetError({ code: 'not_found', message: 'the control API has no such resource' });
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
