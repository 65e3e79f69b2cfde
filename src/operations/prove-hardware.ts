/**
 * Reads again what a health plan stands on, right before its effect. A plan is
 * made of what was seen a moment ago; by now a person may have acknowledged the
 * finding, the sensor may be well, or the BMC may not answer any more.
 */
import { FleetError, unreachable } from '../core/errors.ts';
import type { HealthAct } from '../core/plan.ts';
import { cordonAdvice, hardwareVerdict } from '../health/cordon-advice.ts';
import { lastOf } from '../planning/last-of-its-kind.ts';
import { hardwareNow, stands } from './hardware-now.ts';
import { healthCordonOf, healthCordonsAmong } from './health-cordons.ts';
import type { NodeJob } from './job.ts';

/** Answers what it rests on. Throws `stopped` where it does not hold any more. */
export async function proveHardware(job: NodeJob): Promise<string> {
  const act = healthActOf(job);
  switch (act.act) {
    case 'cordon':
      return proveCordonAdvice(job, act);
    case 'release':
      return proveRelease(job, act);
    case 'mark':
      return proveMark(job, act);
    case 'drain':
      return proveStillFailing(job);
    default:
      return unreachable(act);
  }
}

export function healthActOf({ plan }: Pick<NodeJob, 'plan'>): HealthAct {
  if (plan.health) return plan.health;
  throw new FleetError({ code: 'internal', message: `plan ${plan.id} names nothing of the hardware` });
}

async function proveCordonAdvice(job: NodeJob, act: HealthAct & { act: 'cordon' }): Promise<string> {
  const { cluster, target, records } = job;
  const [facts, nodes] = await Promise.all([factsNow(job), cluster.nodes()]);
  const advice = cordonAdvice({ ...facts, healthyForMs: 0, declined: new Set(act.declined) });
  if (advice.advice !== 'cordon') throw stopped(`${target.node} is not to be cordoned any more: ${advice.reason}`);
  const node = nodes.find(each => each.name === target.node);
  const last = node && lastOf(node, nodes);
  if (last) throw stopped(`${target.node} is the last node of ${last} that takes pods`);
  const others = await healthCordonsAmong(
    records,
    nodes.filter(each => each.name !== target.node),
  );
  if (others.size >= act.mostCordoned)
    throw stopped(`${[...others.keys()].join(', ')} is cordoned for its hardware, and ${act.mostCordoned} may be`);
  return advice.signals.map(({ source }) => source).join(' and ');
}

async function proveRelease(job: NodeJob, { owner, healthyForMs }: HealthAct & { act: 'release' }): Promise<string> {
  const { endedAt, createdAt } = await job.records.operations.head(owner);
  const cordonedSince = new Date(endedAt ?? createdAt);
  const advice = cordonAdvice({ ...(await factsNow(job)), healthyForMs, cordonedSince });
  if (advice.advice !== 'release') throw stopped(`the cordon of ${job.target.node} stays: ${advice.reason}`);
  return advice.reason;
}

async function proveMark(job: NodeJob, { healthy }: HealthAct & { act: 'mark' }): Promise<string> {
  const { verdict } = hardwareVerdict(await factsNow(job));
  if (verdict === 'unread') throw stopped(`${job.target.node} is not read at present`);
  const cordoned = await healthCordonOf(job.records, await job.cluster.node(job.target.node));
  const holds = healthy ? verdict === 'well' && !cordoned : verdict === 'failing' || cordoned !== undefined;
  if (!holds) throw stopped(`the hardware of ${job.target.node} is ${verdict} by now`);
  return verdict;
}

/** Fails, or what it was cordoned for still stands: another small finding of such a node empties it of nothing. */
async function proveStillFailing(job: NodeJob): Promise<string> {
  const facts = await factsNow(job);
  const { verdict } = hardwareVerdict(facts);
  const cordoned = await healthCordonOf(job.records, await job.cluster.node(job.target.node));
  if (!cordoned) throw stopped(`${job.target.node} is not cordoned for its hardware any more`);
  if (verdict === 'well' || verdict === 'unread') throw stopped(`the hardware of ${job.target.node} is ${verdict}`);
  const { plan } = await job.records.plans.get(cordoned.plan);
  const signals = plan.health?.act === 'cordon' ? plan.health.signals : [];
  if (verdict === 'failing' || signals.some(({ id }) => stands(facts, id))) return verdict;
  throw stopped(`what ${job.target.node} was cordoned for is over: ${signals.map(({ text }) => text).join('; ')}`);
}

async function factsNow({ cluster, hardware, target }: NodeJob) {
  const [watch, pods] = await Promise.all([hardware(target.node), cluster.pods()]);
  return hardwareNow(watch, target.node, pods);
}

function stopped(message: string): FleetError {
  return new FleetError({ code: 'stopped', message });
}
