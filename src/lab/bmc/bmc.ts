/**
 * Serves one controller over HTTPS, keeps the effect log of what reached it,
 * and plays the faults that live on the wire, where a client meets them.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { Server as NetServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Certificate, makeCertificate } from '../certificate.ts';
import { type EffectLog, maskSecrets } from '../effect-log.ts';
import type { FaultSet } from '../faults.ts';
import type { Host } from '../host.ts';
import { listen } from '../listen.ts';
import type { LogIns, OpenSession } from './access.ts';
import { type ConnectionCounts, Connections } from './connections.ts';
import { Controller, type ControllerOptions } from './controller.ts';
import type { DriveModel } from './drives.ts';
import type { EventLog } from './event-log.ts';
import type { Subscription } from './events.ts';
import { parseRequest } from './parse-request.ts';
import type { BmcProfile, FirmwareState } from './profiles/profile.ts';
import { problem, type Reply } from './reply.ts';
import { type Answer, answer, type BmcRequest, isWrite } from './requests.ts';
import { sessionsUri } from './resources/access.ts';
import { sendHtml, sendReply } from './send-reply.ts';
import type { Stage } from './stage.ts';
import { Void } from './void.ts';

export type BmcOptions = ControllerOptions & {
  /** 0 takes a free port. */
  port: number;
  certificate: Certificate;
  effects: EffectLog;
};

export type RunningBmc = {
  /** Name of the server, as its host has it. */
  name: string;
  /** Origin, without a path. */
  url: string;
  spki: string;
  host: Host;
  /** The second server behind it. */
  neighbour: Host | undefined;
  profile: BmcProfile;
  faults: FaultSet;
  /** For scripts that say what the machine shows and writes. */
  stage: Pick<Stage, 'show'>;
  log: Pick<EventLog, 'append'>;
  /** Versions as they are now. */
  firmware: Readonly<FirmwareState>;
  /** As they are now; `replace` is a hand that pulls one out and puts another in. */
  drives: Pick<DriveModel, 'drives' | 'replace'>;
  sessions(): OpenSession[];
  /** To its events, open streams among them. */
  subscriptions(): Pick<Subscription, 'type' | 'destination'>[];
  /** How often a user name and password were shown to it since it was started. */
  logIns(): Readonly<LogIns>;
  /** The newest requests that came through, oldest first; some thousands. */
  received(): readonly Received[];
  /** Connections that were made to it since it was started. */
  connections(): ConnectionCounts;
  stop(): Promise<void>;
};

/** `at` is milliseconds since 1970. */
export type Received = { method: string; path: string; at: number };

const receivedKept = 5000;

/** Starts the BMC of one host. Throws port_taken when its address is in use. */
export async function startBmc(options: BmcOptions): Promise<RunningBmc> {
  const bmc = new Controller(options);
  const { address, certificate } = options;
  const server = createServer({ key: certificate.key, cert: certificate.cert, keepAliveTimeout: 60_000 });
  const received: Received[] = [];
  const connections = new Connections(server, () => bmc.life.stage === 'cut');
  const port = await listen(server, address, options.port);
  const url = `https://${address}:${port}`;
  server.on('request', (request, response) => {
    const exchange = { bmc, effects: options.effects, received, url, connections, request, response };
    serve(exchange).catch(() => response.destroy());
  });
  // A port that was lost while the BMC was down stays refused; that is no reason to end the lab.
  server.on('error', () => {});
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const lost = new Void();
  const changeListening = () => {
    if (bmc.faults.get('bmc-down')?.mode === 'lost') {
      // Not the close of HTTP, which would tell idle connections: over a cut line nobody hears of it.
      NetServer.prototype.close.call(server);
      lost.open(address, port);
      return;
    }
    lost.close();
    server.closeAllConnections();
    const { stage } = bmc.life;
    const refuses = bmc.faults.get('bmc-down')?.mode === 'refused' || stage === 'refused' || stage === 'dead';
    if (refuses && server.listening) server.close();
    else if (!refuses && !server.listening && !bmc.clock.stopped) server.listen(port, address);
  };
  bmc.life.onStage(stage => {
    if (stage === 'refused' || stage === 'cut' || stage === 'dead') changeListening();
  });
  bmc.faults.onChange(kind => {
    if (kind === 'bmc-down') changeListening();
    if (kind !== 'certificate-change' && kind !== 'certificate-expiring') return;
    const shown = certificateOf(bmc, certificate);
    server.setSecureContext({ key: shown.key, cert: shown.cert });
    server.closeAllConnections();
  });
  return {
    name: bmc.host.name,
    url,
    spki: certificate.spki,
    host: bmc.host,
    neighbour: bmc.neighbour?.host,
    profile: bmc.profile,
    faults: bmc.faults,
    stage: bmc.stage,
    log: bmc.log,
    firmware: bmc.updates.firmware,
    drives: bmc.drives,
    sessions: () => bmc.access.sessions(),
    subscriptions: () => bmc.events.subscriptions(),
    logIns: () => bmc.access.logIns,
    received: () => received,
    connections: () => connections.counts,
    async stop() {
      lost.close();
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type Exchange = {
  bmc: Controller;
  effects: EffectLog;
  received: Received[];
  url: string;
  connections: Connections;
  request: IncomingMessage;
  response: ServerResponse;
};

async function serve(exchange: Exchange): Promise<void> {
  const { bmc, connections, request, response } = exchange;
  const { faults, wire } = bmc;
  const reused = connections.reused(request.socket);
  const leave = wire.enter();
  response.once('close', leave);
  const parsed = await parseRequest(request);
  if (faults.get('bmc-down') !== undefined) return;
  exchange.received.push({ method: parsed.method, path: parsed.path, at: Date.now() });
  if (exchange.received.length > receivedKept) exchange.received.shift();
  const hangs = faults.get('resource-hangs')?.path.toLowerCase();
  if (hangs !== undefined && parsed.path.toLowerCase().endsWith(hangs)) return;
  if (reused && wire.strikes('connection-reset')) {
    connections.reset(request.socket);
    return;
  }
  const outcome = await perform(exchange, parsed);
  const drops = isLogIn(parsed) ? 'drop-after-log-in' : isDroppable(parsed) ? 'drop-after-post' : undefined;
  const dropped = outcome !== 'html' && drops !== undefined && faults.get(drops) !== undefined;
  if (dropped) faults.clear(drops);
  record(exchange, parsed, outcome, dropped);
  const late = wire.delayMs(parsed.path);
  if (late > 0) await delay(late, undefined, { signal: bmc.clock.signal });
  if (faults.get('bmc-down') !== undefined) return;
  if (outcome !== 'html' && dropped) {
    response.destroy();
    outcome.reply.after?.();
  } else if (outcome === 'html') sendHtml(response, isWrite(parsed.method) ? 503 : 200);
  else {
    // A stream that is open is no work for the BMC.
    if (outcome.reply.stream !== undefined) leave();
    sendReply(response, outcome.reply, faults);
  }
}

async function perform({ bmc }: Exchange, request: BmcRequest): Promise<Answer | 'html'> {
  const { faults, wire, life } = bmc;
  if (life.stage === 'unavailable') return turnedAway(bmc, 30);
  if (wire.overloaded) return turnedAway(bmc, 1);
  return faults.get('html') === undefined ? answer(bmc, request) : 'html';
}

function turnedAway({ profile }: Controller, seconds: number): Answer {
  const refusal: Reply = problem(profile, 503, 'ServiceTemporarilyUnavailable', String(seconds));
  return { reply: { ...refusal, headers: { 'Retry-After': String(seconds) } }, caller: undefined };
}

function certificateOf({ faults, host, address }: Controller, usual: Certificate): Certificate {
  const subject = { commonName: `${host.name}-bmc`, altNames: [address] };
  const expiring = faults.get('certificate-expiring');
  if (faults.get('certificate-change') !== undefined) return makeCertificate(subject);
  return expiring === undefined ? usual : makeCertificate({ ...subject, days: expiring.days, key: usual.key });
}

function isLogIn({ method, path }: BmcRequest): boolean {
  return method === 'POST' && path.toLowerCase() === sessionsUri.toLowerCase();
}

/** Log-in and log-out are not what a lost answer is about: the product repeats those freely. */
function isDroppable({ method, path }: BmcRequest): boolean {
  return isWrite(method) && !path.toLowerCase().startsWith('/redfish/v1/sessionservice');
}

function record(exchange: Exchange, request: BmcRequest, outcome: Answer | 'html', dropped: boolean): void {
  if (!isWrite(request.method)) return;
  const { bmc, effects, url } = exchange;
  const { body } = request;
  const attempted = typeof body === 'object' && typeof body.UserName === 'string' ? body.UserName : '';
  effects.append({
    kind: 'bmc',
    target: url,
    name: bmc.host.name,
    method: request.method,
    path: request.path,
    status: dropped ? 0 : outcome === 'html' ? 503 : outcome.reply.status,
    caller: (outcome === 'html' ? undefined : outcome.caller?.username) ?? attempted,
    body: maskSecrets(body ?? null),
  });
}
