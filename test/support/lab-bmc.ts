/** One BMC of the lab with a raw HTTPS client and an image server, so that tests see the wire and nothing else. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningBmc, startBmc } from '../../src/lab/bmc/bmc.ts';
import { type BmcMachine, bmcProfiles } from '../../src/lab/bmc/profiles/catalog.ts';
import { type Certificate, makeCertificate } from '../../src/lab/certificate.ts';
import { LabClock } from '../../src/lab/clock.ts';
import { EffectLog } from '../../src/lab/effect-log.ts';
import { Host } from '../../src/lab/host.ts';

export const account = { username: 'operator', password: 'correct horse' };

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string; body: Redfish };

type Status = { Health?: string | null; State?: string };

/** What these tests read of any resource. */
export type Redfish = {
  '@odata.id'?: string;
  '@odata.nextLink'?: string;
  'Members@odata.count'?: number;
  Id?: string;
  Name?: string;
  Members?: Redfish[];
  Status?: Status;
  Severity?: string;
  Message?: string;
  UserName?: string;
  Model?: string;
  AssetTag?: string;
  BiosVersion?: string;
  Version?: string;
  TaskState?: string;
  Messages?: unknown[];
  JobState?: string;
  Metrics?: unknown;
  LifeTime?: { CorrectableECCErrorCount?: number; UncorrectableECCErrorCount?: number };
  Temperatures?: { ReadingCelsius?: number | null; Status?: Status }[];
  Fans?: { Reading?: number | null; Status?: Status }[];
  SpeedPercent?: { SpeedRPM?: number };
  Reading?: number | null;
  FailurePredicted?: boolean;
  PredictedMediaLifeLeftPercent?: number | null;
  MACAddress?: string;
  LinkStatus?: string;
  SerialNumber?: string;
  Devices?: { Status?: Status }[];
  PowerSupplies?: { PowerOutputWatts?: number; Status?: Status }[];
  PowerControl?: { PowerConsumedWatts?: number }[];
  Redundancy?: { Status?: Status }[];
  PowerSupplyRedundancy?: { Status?: Status }[];
  OutputPowerWatts?: { Reading?: number };
  error?: { '@Message.ExtendedInfo'?: { MessageId?: string }[] };
};

export type TestBmc = {
  bmc: RunningBmc;
  host: Host;
  clock: LabClock;
  effects: EffectLog;
  certificate: Certificate;
  /** Sends with Basic authentication unless other headers are given. */
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  get(path: string): Promise<Redfish>;
  stop(): Promise<void>;
};

export type SendOptions = {
  body?: unknown;
  headers?: Record<string, string>;
  anonymous?: boolean;
  raw?: string | Buffer;
};

export async function startTestBmc(options: {
  vendor: BmcMachine;
  address: string;
  speed?: number;
  sessionLimit?: number;
  bmcVersion?: string;
}): Promise<TestBmc> {
  const { vendor, address, speed = 600, sessionLimit, bmcVersion } = options;
  const clock = new LabClock(speed);
  const effects = new EffectLog();
  const host = new Host({ name: 'node-1', uuid: randomUUID().toUpperCase(), serial: 'SERIAL1', clock });
  // A blade's servers share its serial.
  const second = { name: 'node-2', uuid: randomUUID().toUpperCase(), serial: 'SERIAL1', clock };
  const neighbour = bmcProfiles[vendor].neighbour === undefined ? undefined : new Host(second);
  const certificate = makeCertificate({ commonName: 'bmc', altNames: [address] });
  const bmc = await startBmc({
    host,
    neighbour,
    bmcVersion,
    machine: vendor,
    address,
    port: 0,
    clock,
    effects,
    account,
    certificate,
    sessionLimit,
  });
  const send: TestBmc['send'] = (method, path, sent = {}) =>
    sendTo({ url: bmc.url, ca: certificate.cert }, method, path, sent);
  return {
    bmc,
    host,
    clock,
    effects,
    certificate,
    send,
    async get(path) {
      const answer = await send('GET', path);
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text}`);
      return answer.body;
    },
    async stop() {
      clock.stop();
      await bmc.stop();
    },
  };
}

function sendTo(bmc: { url: string; ca: string }, method: string, path: string, sent: SendOptions): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const basic = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`;
  const text = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
  const call = httpsRequest(new URL(path, bmc.url), {
    method,
    ca: bmc.ca,
    agent: false,
    headers: {
      ...(sent.anonymous || sent.headers?.['X-Auth-Token'] ? {} : { Authorization: basic }),
      ...(text === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...sent.headers,
    },
  });
  call.on('error', reject);
  call.on('response', response => {
    const chunks: Buffer[] = [];
    response.on('data', chunk => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const received = Buffer.concat(chunks).toString();
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: received,
        body: received.startsWith('{') ? JSON.parse(received) : {},
      });
    });
  });
  call.end(text);
  return promise;
}

export type ImageServer = {
  url: string;
  port: number;
  /** Path and peer address of every fetch. */
  fetches: { path: string; from: string }[];
  stop(): Promise<void>;
};

/** Serves `files` by path over HTTP on 127.0.0.1; port 0 takes a free one. */
export async function startImageServer(files: Record<string, Buffer>, port = 0): Promise<ImageServer> {
  const fetches: ImageServer['fetches'] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '/';
    fetches.push({ path, from: request.socket.remoteAddress ?? '' });
    const file = files[path];
    if (file === undefined) response.writeHead(404).end();
    else response.end(file);
  });
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  const bound = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound.port}`,
    port: bound.port,
    fetches,
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** Waits until `probe` gives a value other than undefined and false. Throws after `deadlineMs`. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  deadlineMs = 60_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`still waiting for: ${what}`);
    await delay(20);
  }
}
