/**
 * What a plan does, and what holds while it does it: a line for each of its fields that says so. Every card that people vote on
 * takes these words, so that two plans that differ look different on all of them. A pure function of the plan.
 */
import type { PlannedBmcChange } from './bmc-change.ts';
import { type Cell, foreign, toned } from './document.ts';
import { unreachable } from './errors.ts';
import type { HealthAct, Plan, PlanStep } from './plan.ts';
import { taintText } from './scheduling.ts';

type Line = [name: string, value: Cell];

/** What is done first, how after it. A plan of an earlier version says nothing of some. */
export function planFacts(plan: Plan): Line[] {
  const { action, taint, bmcChange, health, waitForWindow, soakMs } = plan;
  return [
    ['action', action],
    ...(bmcChange ? ([['changes', bmcChangeText(bmcChange)]] satisfies Line[]) : []),
    ...(taint
      ? ([[taint.remove ? 'removes taint' : 'adds taint', foreign(taintText(taint.taint))]] satisfies Line[])
      : []),
    ...(health ? healthFacts(health) : []),
    ...outageFacts(plan),
    ...drainFacts(plan),
    ...(waitForWindow ? windowFacts : []),
    ['soak', `${soakMs / 1000} s after each node`],
    ...gateFacts(plan),
    ...limitFacts(plan),
  ];
}

/** The steps in order, and from where on a node settles whatever anybody says. */
export function stepLines(steps: PlanStep[]): string[] {
  const settling = steps.filter(step => step.settling).map(step => step.name);
  return [
    steps.map(step => step.name).join(' → '),
    ...(settling.length > 0
      ? [`after a cancel, a node that is past its first irreversible step still runs: ${settling.join(', ')}`]
      : []),
  ];
}

const windowFacts: Line[] = [
  ['window', 'a node begins in a maintenance window of its site; until one is open, it waits'],
];

function bmcChangeText(change: PlannedBmcChange): string {
  switch (change.act) {
    case 'reset-bmc':
      return change.recover
        ? 'restart of the BMC although a task works on it, if that task stands still for the stall limit; the server runs on'
        : 'restart of the BMC; the server runs on';
    case 'identify':
      return `locating light ${change.lit ? 'on' : 'off'}`;
    case 'boot-once':
      return change.from === 'none' ? 'no boot override any more' : `next start from ${change.from}, once`;
    default:
      return unreachable(change);
  }
}

function healthFacts(health: HealthAct): Line[] {
  const because: Line = ['because', foreign(health.reason)];
  switch (health.act) {
    case 'cordon': {
      const { signals, declined, mostCordoned } = health;
      return [
        because,
        ['signals', foreign(signals.map(({ id, text }) => `${id}: ${text}`).join('; ') || 'none')],
        ...(declined.length > 0 ? ([['declined before', foreign(declined.join(', '))]] satisfies Line[]) : []),
        ['cordoned for hardware', `at most ${mostCordoned} of the cluster at once, this one included`],
      ];
    }
    case 'release':
      return [because, ['takes back', `the cordon of ${health.owner}, once well for ${health.healthyForMs / 1000} s`]];
    case 'mark':
      return [because, ['marks the hardware', health.healthy ? 'well' : 'not well']];
    case 'drain':
      return [because, ['drains', 'a node that is cordoned for its hardware']];
    default:
      return unreachable(health);
  }
}

function outageFacts({ scopes, declaredOutage, author }: Plan): Line[] {
  if (!declaredOutage) return [];
  const several = scopes.length > 1;
  const lost = scopes.flatMap(({ cluster, blast }) =>
    (blast.lastOf ?? []).map(what => (several ? `${what} of ${cluster}` : what)),
  );
  return [
    [
      'outage',
      foreign(
        toned(`declared by ${author}: leaves ${lost.join(', ') || 'nothing'} without any node that takes pods`, 'bad'),
      ),
    ],
  ];
}

/** What the drain may lose is said where there is one. */
function drainFacts({ targets, drain, undrained, canaryDrain }: Plan): Line[] {
  const also = [
    ...(drain.deleteEmptyDir ? ['pods whose emptyDir data is lost with them'] : []),
    ...(drain.force ? ['pods that nothing starts again'] : []),
  ];
  const order = drain.byPriority ? 'the lowest priority first, each group gone before the next' : 'all at once';
  return [
    ...(undrained ? ([['drain', toned('none: the node is silent', 'warn')]] satisfies Line[]) : []),
    ...(targets.some(target => target.drain)
      ? ([['drain', `${order}${also.length > 0 ? `; also ${also.join(', and ')}` : ''}`]] satisfies Line[])
      : []),
    ...(canaryDrain
      ? ([
          ['first drain', foreign(toned(canaryDrain.says, canaryDrain.verdict === 'finishes' ? 'plain' : 'warn'))],
        ] satisfies Line[])
      : []),
  ];
}

/** What holds the next node and wave back, and who lets a wave begin. */
function gateFacts({ gates, advance, soakMs }: Plan): Line[] {
  const manual: Line[] = advance === 'manual' ? [['next wave', 'begins when a person advances it']] : [];
  if (!gates) return manual;
  const own = (after: 'node' | 'wave') => [
    ...new Set(gates.own.filter(check => check.after === after).map(({ name }) => name)),
  ];
  const node = [`Ready for ${soakMs / 1000} s`, 'DaemonSets', ...(gates.hardware ? ['hardware'] : []), ...own('node')];
  const hardware = gates.hardware ? '' : ' (nobody watches the hardware)';
  const wave = ['pending pods', 'volumes', ...own('wave')];
  return [['gate after a node', `${node.join(', ')}${hardware}`], ['gate after a wave', wave.join(', ')], ...manual];
}

/** One node is its own limit. */
function limitFacts({ targets, limits }: Plan): Line[] {
  if (targets.length < 2) return [];
  const { maxSites, failures, cohortFailures, lostSites } = limits;
  return [
    ['sites at once', `at most ${maxSites}`],
    ['halts at', `nodes not well: ${failures}, or ${cohortFailures} of one cohort; sites out of reach: ${lostSites}`],
  ];
}
