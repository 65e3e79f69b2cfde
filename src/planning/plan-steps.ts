/** The steps that each kind of plan promises, in order, as approvers read them. */
import type { PlanKind, PlanStep, PlanTarget } from '../core/plan.ts';
import { isFirmware, type PlannedChange } from '../core/planned-change.ts';

const identity: PlanStep = {
  name: 'identity',
  does: 'prove that BMC and Node are the planned machine',
  settling: false,
};
const cordon: PlanStep = { name: 'cordon', does: 'cordon, marked as ours', settling: false };
const remediators: PlanStep = {
  name: 'remediators',
  does: 'pause what the plan names, until the end; refuse while another controller may reboot, replace or power the node',
  settling: false,
};
const drain: PlanStep = {
  name: 'drain',
  does: 'evict the pods through the eviction API and wait until they are gone',
  settling: false,
};
const budgets: PlanStep = {
  name: 'budgets',
  does: 'wait until no other node is down under a disruption budget that covers its pods',
  settling: false,
};
const uncordon: PlanStep = { name: 'uncordon', does: 'uncordon, only where the cordon is ours', settling: true };

const evidence: PlanStep = {
  name: 'evidence',
  does: 'read again that the hardware still says so; what is not read ends it',
  settling: false,
};

const reset: PlanStep = { name: 'reset', does: 'restart the empty host', settling: true };
const rejoin: PlanStep = { name: 'rejoin', does: 'new boot ID, Ready, lease advancing', settling: true };
const silent: PlanStep = {
  name: 'silent',
  does: 'prove that Kubernetes does not hear from the node: it cannot be drained',
  settling: false,
};

const taint: PlanStep = { name: 'taint', does: 'add or remove one taint, marked as ours', settling: false };

const podsGone: PlanStep = {
  name: 'pods gone',
  does: 'hold their disruption budgets until the pods that go run elsewhere',
  settling: true,
};

const nothingStaged: PlanStep = {
  name: 'nothing staged',
  does: 'refuse while an update waits on the BMC: the next start would apply it',
  settling: false,
};
const startAsPlanned: PlanStep = {
  ...nothingStaged,
  does: 'refuse while an update, or BIOS settings that the plan does not name, wait on the BMC: the start would apply them',
};

const stuck: PlanStep = {
  name: 'stuck',
  does: 'watch the tasks on the BMC for the stall limit, and refuse when one makes any progress',
  settling: false,
};

/** The steps of a BMC's restart that is to free tasks that are stuck. */
export function recoverySteps(): PlanStep[] {
  return stepsOf['bmc-change'].flatMap(step => (step === identity ? [step, stuck] : [step]));
}

/** The steps for a node that is silent and so cannot be drained. */
export function undrainedSteps(kind: PlanKind): PlanStep[] {
  return stepsOf[kind].flatMap(step => (step === drain ? [silent] : step === budgets ? [] : [step]));
}

/** The steps of a taint; where it makes pods go, what else may be in the way is asked before. */
export function taintSteps(disrupting: boolean): PlanStep[] {
  return stepsOf.taint.flatMap(step =>
    disrupting && step === taint ? [remediators, budgets, step, podsGone] : [step],
  );
}

const ranOn: PlanStep = { name: 'ran on', does: 'the same boot ID, Ready, lease advancing', settling: true };
const restartBmc: PlanStep = {
  name: 'restart of the BMC',
  does: 'restart the BMC, where it has not by itself',
  settling: true,
};
const off: PlanStep = { name: 'off', does: 'shut down the empty host, or cut its power', settling: true };
const powerCycle: PlanStep = {
  name: 'power cycle',
  does: 'take the power from the whole server, its BMC included, for a moment',
  settling: true,
};
const on: PlanStep = { name: 'on', does: 'switch the host on', settling: true };

const settingsSteps: PlanStep[] = [
  { name: 'set', does: 'hand the settings to the BMC: whatever starts the host next applies them', settling: false },
  { name: 'staged', does: 'follow the job, where the BMC makes one', settling: true },
];
const nextChange: PlanStep = {
  name: 'next change',
  does: 'the same from its precheck on for the next change of the node; a cancel stops here, and the node is given back',
  settling: false,
};

const ofDrives = '; the drives are those that were planned, and every drive and volume is well';

/** Of a rollout: the host is restarted only where a change needs it to come into force. */
export function rolloutSteps(targets: Pick<PlanTarget, 'changes'>[]): PlanStep[] {
  const changes = targets.flatMap(target => target.changes ?? []);
  const needs = (...these: PlannedChange['activation'][]) => changes.some(each => these.includes(each.activation));
  const restarts = needs('reset-while-pending', 'reset-after', 'next-start');
  return stepsOf['firmware-rollout'].flatMap(step => {
    switch (step.name) {
      case 'precheck':
        return [
          changes.some(each => isFirmware(each) && each.drives) ? { ...step, does: `${step.does}${ofDrives}` } : step,
        ];
      case 'flash':
      case 'transfer':
        return changes.some(isFirmware) ? [step] : [];
      case 'reset':
        return [
          ...(needs('next-start') ? settingsSteps : []),
          ...(needs('restart-bmc') ? [restartBmc] : []),
          ...(needs('power-cycle') ? [off, powerCycle] : []),
          ...(restarts ? [step] : []),
        ];
      case 'rejoin':
        return [
          ...(needs('bmc-restarts', 'restart-bmc') && !restarts ? [ranOn] : []),
          ...(needs('power-cycle') ? [on] : []),
          ...(restarts || needs('power-cycle') ? [step] : []),
          ...(targets.some(target => (target.changes?.length ?? 0) > 1) ? [nextChange] : []),
        ];
      default:
        return [step];
    }
  });
}

export const stepsOf: Record<PlanKind, PlanStep[]> = {
  cordon: [identity, cordon],
  uncordon: [identity, { ...uncordon, settling: false }],
  drain: [identity, remediators, cordon, budgets, drain],
  taint: [identity, taint],
  restart: [
    identity,
    startAsPlanned,
    remediators,
    cordon,
    budgets,
    drain,
    { ...reset, settling: false },
    rejoin,
    uncordon,
  ],
  'power-off': [
    identity,
    nothingStaged,
    remediators,
    cordon,
    budgets,
    drain,
    { name: 'off', does: 'shut down the empty host, or cut its power where it does not end in time', settling: false },
  ],
  'power-on': [
    identity,
    startAsPlanned,
    { name: 'on', does: 'switch the host on', settling: false },
    { ...rejoin, does: 'new boot ID, Ready, lease advancing; a cordon stays' },
  ],
  'bmc-change': [
    identity,
    { name: 'change', does: 'send the one change to the BMC', settling: false },
    { name: 'prove', does: 'read from the BMC that it is so', settling: true },
  ],
  'health-cordon': [identity, evidence, cordon],
  'health-release': [identity, evidence, { ...uncordon, settling: false }],
  'health-drain': [identity, evidence, remediators, budgets, drain],
  'health-mark': [
    identity,
    evidence,
    { name: 'mark', does: 'set the condition HardwareHealthy and tell an Event', settling: false },
  ],
  'bios-change': [
    identity,
    { name: 'precheck', does: 'settings as planned, and nothing else waits for the next start', settling: false },
    remediators,
    cordon,
    budgets,
    drain,
    ...settingsSteps,
    { ...reset, does: 'restart the empty host so that the settings come into force' },
    { name: 'verify', does: 'read the settings that are in force, three times', settling: true },
    rejoin,
    uncordon,
  ],
  'firmware-rollout': [
    identity,
    {
      name: 'precheck',
      does: 'model, running version and its direction, every power supply well, no other task on the BMC, image reachable',
      settling: false,
    },
    remediators,
    cordon,
    budgets,
    drain,
    {
      name: 'flash',
      does: 'offer the image to this BMC alone and start the update: cannot be undone from here',
      settling: false,
    },
    { name: 'transfer', does: 'follow the task', settling: true },
    { ...reset, does: 'restart the empty host so that what it took becomes active' },
    { name: 'verify', does: 'read the active version from the inventory, three times', settling: true },
    rejoin,
    uncordon,
    { name: 'soak', does: 'watch the node before the next wave', settling: true },
  ],
};
