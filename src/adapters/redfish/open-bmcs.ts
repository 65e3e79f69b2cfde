/**
 * Opens the fleet's BMCs. Nodes that share a BMC share its connection, session,
 * limits and log-in breaker: the BMC is the thing with the limits.
 */
import type { Bmc, Bmcs, LoginLedger, SessionLedger } from '../../core/bmc.ts';
import { FleetError } from '../../core/errors.ts';
import { Connection } from './connection.ts';
import { discretion } from './discretion.ts';
import { EventLine } from './events/event-line.ts';
import { type EventOptions, listenTo } from './events/listen.ts';
import { ExpandingConnection } from './expanding.ts';
import { Lane, type Turns } from './lane.ts';
import { LoginBreaker } from './login-breaker.ts';
import { once } from './once.ts';
import { PollingConnection } from './polling.ts';
import { RedfishBmc } from './redfish-bmc.ts';
import { type Credential, Session } from './session.ts';
import { defaultTimeouts, type Timeouts } from './transport.ts';
import { Wire } from './wire.ts';

export type BmcAccess = {
  node: string;
  /** Sites have a share each of what may be in flight, so that one that hangs holds up no other. */
  site?: string;
  /** `https://host[:port]`, without a path. */
  url: string;
  username: string;
  password: string;
  /** Base64 SHA-256 of the BMC's public key; without it and without `ca`, the system's CAs decide. */
  spki?: string;
  /** PEM. */
  ca?: string;
  /** The ComputerSystem meant, needed where one BMC serves several. */
  systemUri?: string;
};

export type OpenBmcsOptions = {
  bmcs: BmcAccess[];
  ledger: SessionLedger;
  /** Without it, refused log-ins are counted since the start of this process alone. */
  logins?: LoginLedger | undefined;
  /** Milliseconds for which a failed log-in counts; ten minutes unless said, which only a bench whose machines live faster does. */
  logInWindowMs?: number;
  timeouts?: Partial<Timeouts>;
  /** Requests in flight to all BMCs together; 1,024 unless said. It spares this process: each BMC has limits of its own. */
  inFlight?: number;
  /**
   * Servers that are read as a whole at once; 128 unless said. Each takes connections, a session with its record, and answers
   * that are half read: thousands at once run into their time limits while they wait for each other.
   */
  atOnce?: number;
  /**
   * Connections that are kept while nothing is asked, of all BMCs together; 4,000 unless said. One takes some 70 KiB here, and
   * saves the BMC a handshake each minute: those that are met first have theirs.
   */
  kept?: number;
  /** Without it, nobody listens for events. */
  events?: EventOptions | undefined;
  /** Asked before the bytes of a write go out; throws when this process may not act any more. */
  mayWrite?: (() => Promise<void>) | undefined;
  /** Milliseconds since the epoch; for the breaker and the age of what was discovered. */
  now?: () => number;
};

type Shared = {
  access: BmcAccess;
  wire: Wire;
  session: Session;
  connection: Connection;
  expanding: ExpandingConnection;
  polling: PollingConnection;
  line: EventLine;
  /** Behind it, by node. */
  servers: Map<string, RedfishBmc>;
};

type Common = OpenBmcsOptions & {
  now: () => number;
  laneOf(site: string | undefined): Turns;
  /** Where whole servers wait to be read. */
  readsOf(site: string | undefined): Turns;
  isRoom(): boolean;
  inherited: SessionLedger['list'];
};

/** Connects to nothing yet. Throws invalid_config for a bad URL, or two credentials for one BMC. */
export function openBmcs(options: OpenBmcsOptions): Bmcs {
  const now = options.now ?? Date.now;
  let room = options.kept ?? 4_000;
  const common = {
    ...options,
    now,
    isRoom: () => room-- > 0,
    laneOf: lanesOf(options.bmcs, options.inFlight ?? 1024),
    readsOf: lanesOf(options.bmcs, options.atOnce ?? 128),
    inherited: once(() => options.ledger.list()),
  };
  const shared = new Map<string, Shared>();
  const bmcs = new Map<string, Bmc>();
  for (const access of options.bmcs) {
    const url = originOf(access);
    const held = shared.get(url) ?? share(access, url, common);
    if (!sameDoor(held.access, access)) {
      throw new FleetError({
        code: 'invalid_config',
        message: `${url} is declared twice with different credentials or certificates`,
      });
    }
    shared.set(url, held);
    const reads = common.readsOf(access.site);
    const bmc = new RedfishBmc({ ...held, reads, systemUri: access.systemUri, now });
    held.servers.set(access.node, bmc);
    bmcs.set(access.node, bmc);
  }
  return {
    of(node) {
      const bmc = bmcs.get(node);
      if (bmc !== undefined) return bmc;
      throw new FleetError({ code: 'not_found', message: `no BMC is declared for node ${node}` });
    },
    logIns: () => [...shared.values()].map(({ access: { site }, session }) => ({ site, ...session.logIns })),
    hearings: () => [...shared.values()].map(({ access: { site }, line }) => ({ site, ...line.hearing })),
    listen(hint) {
      const lines = [...shared.values()].map(({ access: { site }, wire: { url }, line }) => ({ site, url, line }));
      if (options.events !== undefined) listenTo(lines, hint, options.events);
    },
    closeAll: () => closeAll([...shared.values()], options.ledger),
    async closeInherited() {
      const recorded = await options.ledger.list();
      const all = [...shared.values()].map(({ wire, session }) => ({ session, rows: ofBmc(recorded, wire.url) }));
      await Promise.all(all.map(({ session, rows }) => session.closeInherited(rows)));
    },
    async end() {
      await Promise.all([...shared.values()].map(({ line }) => line.stop()));
      for (const { session } of shared.values()) session.refuseLogIns();
      await closeAll([...shared.values()], options.ledger);
    },
  };
}

/** Of several sites none may hold more than this part of all places: four have to hang before others wait. */
const siteShare = 0.25;

function lanesOf(bmcs: BmcAccess[], places: number): Common['laneOf'] {
  const fleet = new Lane(places);
  const sites = new Set(bmcs.map(({ site }) => site));
  const most = sites.size > 1 ? Math.max(1, Math.floor(places * siteShare)) : places;
  const lanes = new Map(
    [...sites].map(site => {
      const own = new Lane(most);
      const both: Turns = { run: (urgency, job) => own.run(urgency, () => fleet.run(urgency, job)) };
      return [site, both];
    }),
  );
  return site => lanes.get(site) ?? fleet;
}

function share(access: BmcAccess, url: string, options: Common): Shared {
  const trust = { spki: access.spki, ca: access.ca };
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const credential: Credential = { username: access.username, password: access.password };
  const wire = new Wire({
    url,
    trust,
    timeouts,
    discreet: discretion(credential),
    fleet: options.laneOf(access.site),
    isRoom: options.isRoom,
    mayWrite: options.mayWrite,
  });
  const breaker = new LoginBreaker({
    url,
    credential,
    ledger: options.logins,
    now: options.now,
    windowMs: options.logInWindowMs,
  });
  const inherited = async () => ofBmc(await options.inherited(), url);
  const session = new Session({ wire, credential, ledger: options.ledger, breaker, now: options.now, inherited });
  const polling = new PollingConnection({ wire, session, now: options.now });
  const expanding = new ExpandingConnection({ wire, session, now: options.now });
  const connection = new Connection({ wire, session });
  const servers: Shared['servers'] = new Map();
  const line = new EventLine({ door: { origin: url, trust, timeouts }, wire, session, connection, servers });
  return { access, wire, session, connection, expanding, polling, servers, line };
}

/** What cannot be deleted stays in the ledger for the next time; one error at the end names those BMCs. */
async function closeAll(all: Shared[], ledger: SessionLedger): Promise<void> {
  const recorded = await ledger.list();
  const left: string[] = [];
  await Promise.all(
    all.map(async ({ wire, session }) => {
      if (!(await session.closeAll(ofBmc(recorded, wire.url)))) left.push(wire.url);
      await wire.end();
    }),
  );
  if (left.length === 0) return;
  throw new FleetError({
    code: 'bmc_unreachable',
    retry: 'later',
    message: `sessions could not be deleted on ${left.join(', ')}; they stay recorded`,
    hint: 'They are deleted the next time these BMCs are closed; the BMC itself ends those that nobody can tell from others.',
  });
}

type Rows = Awaited<ReturnType<SessionLedger['list']>>;

function ofBmc(rows: Rows, url: string): string[] {
  return rows.filter(({ bmcUrl, foreign }) => bmcUrl === url && !foreign).map(({ sessionUri }) => sessionUri);
}

function originOf(access: BmcAccess): string {
  const url = URL.canParse(access.url) ? new URL(access.url) : undefined;
  if (url?.protocol === 'https:' && url.pathname === '/' && url.username === '' && url.search === '') return url.origin;
  throw new FleetError({
    code: 'invalid_config',
    message: `the BMC of node ${access.node} needs an address of the form https://host[:port]`,
  });
}

function sameDoor(a: BmcAccess, b: BmcAccess): boolean {
  return a.username === b.username && a.password === b.password && a.spki === b.spki && a.ca === b.ca;
}
