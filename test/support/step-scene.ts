/** The product without its engine: everything else is production's, and workflows are run by the test, one node to a kind of plan. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { loadConfig, secretsOf } from '../../src/config.ts';
import { isStanding } from '../../src/core/finding.ts';
import { servicePerson } from '../../src/core/fleet.ts';
import type { Workflow } from '../../src/core/flow.ts';
import type { HealthAct, Plan, PlanKind, StoredPlan } from '../../src/core/plan.ts';
import { redactor } from '../../src/core/redact.ts';
import type { Caller } from '../../src/core/tool.ts';
import { writeLabConfig } from '../../src/demo/lab-config.ts';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { createGateway } from '../../src/gateway/gateway.ts';
import { createApprovals } from '../../src/guard/approvals.ts';
import { recordReads } from '../../src/guard/record-reads.ts';
import { openWatch } from '../../src/health/watch.ts';
import { describeLab } from '../../src/lab/description.ts';
import type { Effect } from '../../src/lab/effect-log.ts';
import { startLab } from '../../src/lab/lab.ts';
import { Opened } from '../../src/opened.ts';
import { planForHealth } from '../../src/operations/plan-for-health.ts';
import { openWorker } from '../../src/worker.ts';
import { catalog } from '../../tools/index.ts';
import { presentChange } from '../../tools/parts/present-change.ts';
import { changes } from './audit.ts';
import { freshDatabase } from './postgres.ts';
import { eventually } from './stack.ts';

export type StepScene = Awaited<ReturnType<typeof stepScene>>;

/** What reached a machine or its Node, in words that are the same each time. */
export type Reached = string;

export async function stepScene({ addressBase, nodes, speed }: { addressBase: string; nodes: number; speed: number }) {
  const opened = new Opened();
  const log = pino({ level: 'silent' });
  const dir = await mkdtemp(join(tmpdir(), 'groundskeeper-steps-'));
  await mkdir(join(dir, 'data'), { mode: 0o700 });
  const database = await freshDatabase();
  const lab = await startLab({
    ...{ sites: 1, controlPlanes: 0, workers: nodes, machines: ['dell'], speed, seed: 7, dir, addressBase },
    manifests: shippedManifests,
  });
  const { file } = await writeLabConfig(describeLab(lab), {
    ...{ dir, port: 0, mcpScope: 'read', sampleEvery: 'off', database: 'env:GROUNDSKEEPER_TEST_DATABASE' },
    rollout: { soak: '1ms', pollInterval: '10ms' },
  });
  const loaded = loadConfig(file, { ...process.env, GROUNDSKEEPER_TEST_DATABASE: database.url });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const config = loaded.config;
  for (const cluster of config.fleet.sites.flatMap(site => site.clusters)) cluster.budget.maxUnavailable = nodes;
  let workflows: Workflow<never, unknown>[] = [];
  const worker = await openWorker(
    {
      ...{ config, log, databaseUrl: database.url },
      onReplaced: error => {
        throw error;
      },
      async startEngine(options) {
        ({ workflows } = options);
        return { start: async () => {}, takeOver: async () => 0, close: async () => {} };
      },
    },
    opened,
  );
  const { records, custody, policy, people, clusters, bmcs, servers, storePlan } = worker;
  const approvals = createApprovals({
    ...{ records, custody, policy, people, authority: worker.authority },
    provePresence: async () => ({ strength: 'passphrase' }),
    limits: config.approvals,
    launch: async () => {},
    announce: () => {},
  });
  const watch = await openWatch({
    ...{ servers, states: records.healthStates, archive: records.findings, history: records.history },
    onChange: () => {},
    onError: error => {
      throw error;
    },
  });
  const gateway = createGateway({
    redact: redactor(secretsOf(config)),
    ...{ catalog, fleet: config.fleet, clusters, bmcs, records, history: records.history, custody, policy, approvals },
    evidence: worker.evidence,
    reads: recordReads({ policy, plans: records.plans }),
    ...{
      storePlan,
      presentChange,
      freezes: worker.freezes,
      steer: worker.steer,
      policyStanding: () => policy.standing,
    },
    continuity: { standstill: () => worker.standstill.status(), anchors: () => worker.anchoring.status() },
    rollout: { ...config.rollout, timings: worker.timings, hardwareWatched: false },
    health: {
      ...watch,
      archive: records.findings,
      logEntries: records.logEntries,
      cordons: () => ({ state: 'off' }),
      resumeCordons: async () => ({ state: 'off' }),
    },
  });
  const [asker, voter] = config.people.map(
    ({ name, groups }): Caller => ({ person: { name, groups }, channel: 'cli', scope: 'execute' }),
  );
  if (!asker || !voter) throw new Error('the configuration has two people');
  const [site] = lab.sites;
  const cluster = config.fleet.sites[0]?.clusters[0];
  if (!site || !cluster) throw new Error('the lab has a site');
  const { store } = site.cluster;
  // What is tested here are steps; budgets and drains have tests of their own.
  for (const { metadata } of store.list('poddisruptionbudgets'))
    store.remove('poddisruptionbudgets', metadata as never);
  const runPlan = workflows.find(({ name }) => name === 'run-plan') as Workflow<null, unknown> | undefined;
  if (!runPlan) throw new Error('there is no workflow run-plan');

  async function started(plan: StoredPlan, caller: Caller): Promise<string> {
    const { operation, approval = '' } = await approvals.requestStart(plan, caller);
    if (operation) return operation;
    const voted = await approvals.vote(
      { approval, vote: 'approve', reason: 'go', presence: { by: 'passphrase', passphrase: '' } },
      voter as Caller,
    );
    return voted.operation ?? '';
  }

  return {
    ...{ lab, records, custody, runPlan, node: lab.node, approvals, gateway, asker, voter },
    /** Of the sites, by name; a test changes them. */
    calendars: config.calendars,
    /** Names of all workflows but the one that runs the others. */
    workflows: workflows.map(({ name }) => name).filter(name => name !== 'run-plan'),
    /** Plans with a tool, as a person does, and has it approved. Answers the operation. */
    async ask(tool: string, input: object): Promise<string> {
      const plans = catalog.find(({ name }) => name === tool)?.kind === 'read';
      const wanted = plans ? input : { ...input, dryRun: true };
      const { output } = await gateway.invoke({ tool, input: wanted, caller: asker });
      const plan = output.plan as string | { id: string };
      return started(await records.plans.get(typeof plan === 'string' ? plan : plan.id), asker);
    },
    /** As the watch over servers asks. */
    async askForHealth(name: string, health: HealthAct): Promise<string> {
      const entry = cluster.nodes.find(each => each.name === name);
      if (!entry) throw new Error(`the fleet has no ${name}`);
      const draft = await planForHealth({ bmcs, clusters, records }, { cluster, entry, health });
      const caller: Caller = { person: servicePerson, channel: 'watch', scope: 'execute' };
      return started(await storePlan(draft, caller), caller);
    },
    /** So many looks at a server that what they show counts as lasting, and what they found. */
    async look(node: string) {
      for (let look = 0; look < 5; look++) {
        const at = new Date();
        await watch.take({ node, at, tookMs: 1, sample: await bmcs.of(node).sample() });
      }
      await watch.flush();
      return watch.findings(node);
    },
    /** A person has seen what stands, so that it does not count as coming again and again when the next test makes it come. */
    async acknowledge(node: string): Promise<void> {
      for (const { id } of watch.findings(node).filter(isStanding))
        await watch.acknowledge(id, { by: 'voter', at: new Date() });
    },
    async planOf(operation: string): Promise<Plan> {
      return (await records.plans.get((await records.operations.get(operation)).plan)).plan;
    },
    /** Every write to the node's BMC and Node since then that changes something, Events and what is written for people left out. */
    reached(node: string, since: number): Reached[] {
      return changes(lab.effects.since(since)).flatMap(effect => wordOf(effect, node) ?? []);
    },
    facts: (name: string) => store.get('nodes', { name }),
    /** As it was: at work, on its old firmware, nothing of ours on its Node. */
    async restore(name: string): Promise<void> {
      const { server, host } = lab.node(name);
      for (const fault of ['drive-predictive', 'psu-failed'] as const) server.faults.clear(fault);
      const busy = await bmcs.of(name).tasks();
      if (host.phase !== 'os' || busy.some(({ state }) => state !== 'completed' && state !== 'failed')) {
        await eventually('the BMC to wait for a reset', async () =>
          (await bmcs.of(name).tasks()).every(({ state }) => state !== 'running' && state !== 'pending')
            ? true
            : undefined,
        );
        if (host.phase !== 'post') host.restart();
      }
      await eventually(`${name} to be back`, async () => {
        const ready = store.get('nodes', { name })?.status?.conditions?.find(({ type }) => type === 'Ready');
        return host.phase === 'os' && ready?.status === 'True' ? true : undefined;
      });
      const { firmware, profile } = server;
      Object.assign(firmware, { active: profile.firmware.bios, staged: undefined });
      store.update('nodes', { name }, draft => {
        draft.spec = { ...draft.spec, unschedulable: undefined, taints: undefined } as never;
        for (const key of Object.keys(draft.metadata.annotations ?? {}))
          if (key.startsWith('groundskeeper')) delete draft.metadata.annotations?.[key];
        delete draft.spec.unschedulable;
      });
    },
    async close() {
      await opened.close(log);
      const left = site.nodes.flatMap(({ name, server }) => server.sessions().map(() => name));
      await lab.stop();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
      return left;
    },
  };
}

export type Row = {
  kind: PlanKind;
  /** Starts one operation on this node. */
  begin(scene: StepScene, node: string): Promise<string>;
};

function wordOf({ kind, name, method, path, body, status }: Effect, node: string): string | undefined {
  if (status >= 300) return undefined;
  if (kind === 'bmc') return name === node ? `${method} ${path}` : undefined;
  const pod = /\/pods\/([^/]+)\/eviction$/.exec(path);
  if (pod) return undefined; // which pods are there changes from run to run
  if (path !== `/api/v1/nodes/${node}`) return undefined;
  const { spec } = body as { spec?: { unschedulable?: boolean; taints?: unknown } };
  if (spec?.taints) return 'taint';
  if (spec?.unschedulable === false) return 'uncordon';
  return JSON.stringify(body).includes('cordoned-by') ? 'cordon' : undefined;
}
