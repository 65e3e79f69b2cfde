/** The guard with its doors for browsers over real HTTP and Postgres; no machines behind it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config.ts';
import { configuredLogIns } from '../../src/configured-log-ins.ts';
import type { Plan } from '../../src/core/plan.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Caller } from '../../src/core/tool.ts';
import { createApprovals } from '../../src/guard/approvals.ts';
import { createAuthority } from '../../src/guard/authority.ts';
import { createFreezes } from '../../src/guard/freezes.ts';
import { loadPolicy } from '../../src/guard/policy/load-policy.ts';
import { recordReads } from '../../src/guard/record-reads.ts';
import { steering } from '../../src/guard/steer.ts';
import { planCard } from '../../src/planning/plan-card.ts';
import { openHttp } from '../../src/surfaces/http/server.ts';
import { guardScene, shippedPolicies, storedPlan } from './guard.ts';
import { clientId, clientSecret, startIssuer } from './issuer.ts';

export type PageScene = Awaited<ReturnType<typeof pageScene>>;
type People = Pick<Config, 'people' | 'oidc'>;

/** Where pages and their issuer listen: `.1` and `.2` of three octets that no other test file uses. */
export function pagePlace(network: string) {
  const listen = { host: `${network}.1`, port: 7420 };
  const host = `${listen.host}:${listen.port}`;
  const home = `http://${host}`;
  return { listen, host, home, callback: `${home}/auth/callback`, issuerHost: `${network}.2` };
}

/** The pages with an issuer of their own, at which people log in by their subjects. */
export async function pagesWithIssuer(place: ReturnType<typeof pagePlace>, people: Config['people']) {
  const { callback } = place;
  const issuer = await startIssuer(place.issuerHost, 7421, callback);
  const oidc = { issuer: issuer.url, clientId, clientSecret: new Secret(clientSecret), callback };
  return { issuer, scene: await pageScene(place.listen, { people, oidc }) };
}

/** `ask` asks; plans for the cluster `crown` need critical votes, all others ordinary ones; those for `vault` are not for `ben` to read. */
export async function pageScene(listen: { host: string; port: number }, settings: People) {
  const scene = await guardScene();
  const policies = withClusters({ critical: 'crown', closed: 'vault' });
  const errors: object[] = [];
  const now = () => new Date(Date.now() + scene.clock.aheadMs);
  const open = async ({ people: listed, oidc }: People) => {
    const config = { people: listed, oidc, mcp: { scope: 'read' } } as Config;
    const { people, logins, provePresence, doors } = await configuredLogIns(config, scene.records, () =>
      now().getTime(),
    );
    const { records, custody } = scene;
    const policy = loadPolicy(policies);
    const budgetOf = () => ({ maxUnavailable: 100 });
    const windowOf = async () => ({ open: true, closesInMs: Number.MAX_SAFE_INTEGER, expectedMs: 0 });
    const authority = createAuthority({
      ...{ records, policy, people, windowOf, now },
      budgetOf,
      breakGlassGroup: 'firefighters',
    });
    const launch = async (operation: string) => void scene.launched.push(operation);
    const approvals = createApprovals({
      ...{ records, custody, policy, authority, people, provePresence, launch, now },
      limits: { ...scene.limits, maxPendingPerPerson: 1000 },
      announce: () => {},
    });
    const gateway = { invoke: () => Promise.reject(new Error('no tool stands behind this door')) };
    const log = { error: (fields: object) => void errors.push(fields) };
    const freezes = createFreezes({ records, custody, policy, provePresence, now });
    const steer = steering({ records, custody, policy, provePresence });
    const { mayBreakGlass } = authority;
    const guard = { approvals, freezes, steer, mayBreakGlass, custody };
    const reads = recordReads({ policy, plans: records.plans });
    const door = { gateway, logins, ...doors, ...guard, reads, records, planCard, log };
    const http = await openHttp({ ...listen, door: door as never, fleet: { sites: [], images: [], baselines: [] } });
    return { people, logins, provePresence, approvals, http };
  };
  let running = await open(settings);
  return {
    ...scene,
    /** What stands behind the pages, without them. */
    guard: scene,
    errors,
    get url() {
      return running.http.url;
    },
    get logins() {
      return running.logins;
    },
    get provePresence() {
      return running.provePresence;
    },
    get people() {
      return running.people;
    },
    /** A pending request for a plan like the usual one, by `ask`. */
    async request(change: Partial<Plan> = {}): Promise<string> {
      const stored = await storedPlan(scene, change);
      const caller: Caller = { person: { name: 'ask', groups: ['operators'] }, channel: 'cli', scope: 'execute' };
      return (await running.approvals.requestStart(stored, caller)).approval ?? '';
    },
    /** What another process over this database knows of people. */
    async peopleElsewhere({ people, oidc }: People) {
      const config = { people, oidc, mcp: { scope: 'read' } } as Config;
      return (await configuredLogIns(config, scene.records, () => now().getTime())).people;
    },
    /** The service starts again, with other settings. */
    async restart(other: People): Promise<void> {
      await running.http.close();
      running = await open(other);
    },
    async close() {
      await running.http.close();
      rmSync(policies, { recursive: true });
      await scene.close();
    },
  };
}

function withClusters({ critical, closed }: { critical: string; closed: string }): string {
  const dir = mkdtempSync(join(tmpdir(), 'page-policies-'));
  cpSync(shippedPolicies, dir, { recursive: true });
  rmSync(join(dir, 'cases.yaml'), { force: true });
  const file = join(dir, 'approvals.cedar');
  const shipped = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    `${shipped}
@id("crown-jewels") @approvals("1") @from("operators") @tier("critical") @ttl("PT1H") @reason("nothing else holds these")
forbid (principal, action in Fleet::Action::"Disruptive", resource == Fleet::Cluster::"boston/${critical}")
unless { context.cleared.contains("crown-jewels") };
@id("vault-is-closed") @reason("only ana looks into the vault")
forbid (
  principal == Fleet::Person::"ben",
  action in [Fleet::Action::"getPlan", Fleet::Action::"getApproval", Fleet::Action::"getOperation"],
  resource == Fleet::Cluster::"boston/${closed}"
);
`,
  );
  return dir;
}
