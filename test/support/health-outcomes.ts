/** What the watch makes of seeded histories: what it told without reason, what it missed, and whom it would have cordoned. */
import type { Finding, FindingKind } from '../../src/core/finding.ts';
import { cordonAdvice } from '../../src/health/cordon-advice.ts';
import { type Crash, crashSignal } from '../../src/health/crashes.ts';
import { evaluate, findingsOf, type ServerState } from '../../src/health/evaluate.ts';
import type { Look } from '../../src/health/sampler.ts';
import { type History, historyOf, type Ingredient, minuteMs } from './health-histories.ts';

/** What a person who knows what broke would expect to be told. */
export type Story = {
  name: string;
  made: readonly Ingredient[];
  /** Must be told, and within so many minutes. */
  told: { as: FindingKind; within: number }[];
  /** May be told as well. */
  beside?: FindingKind[];
  /** Whether the node should be kept free of new pods. `either` where two people would not agree. */
  cordon: 'yes' | 'no' | 'either';
};

const well = (name: string, made: Ingredient[], beside: FindingKind[] = []): Story => ({
  name,
  made,
  told: [],
  beside,
  cordon: 'no',
});
const memory = { as: 'memory-corrected', within: 100 } as const;
const uncorrectable = { as: 'memory-uncorrectable', within: 5 } as const;
const fan = { as: 'fan', within: 5 } as const;
/** What a BMC makes of a lost fan. */
const fanless = 'fan-redundancy' as const;
const supply = { as: 'power-supply', within: 5 } as const;
const drive = { as: 'drive-health', within: 5 } as const;
const inlet = { as: 'inlet-temperature', within: 90 } as const;
const heat = { as: 'component-temperature', within: 30 } as const;

export const stories: Story[] = [
  well('steady', []),
  well('noisy temperature sensor', ['noisy-sensor']),
  well('tachometer that counts nothing now and then', ['noisy-fan']),
  well('noisy sensor and tachometer, busy', ['noisy-sensor', 'noisy-fan', 'busy']),
  well('readings that are missing', ['missing-readings']),
  well('counters that start again', ['counter-resets', 'few-corrected-errors']),
  well('a counter that is garbage once', ['counter-garbage', 'few-corrected-errors']),
  // Away for long is told, and rightly.
  well('BMC away now and then', ['bmc-gaps'], ['bmc-unreachable']),
  well('few corrected errors', ['few-corrected-errors']),
  well('one burst of corrected errors', ['one-burst', 'few-corrected-errors']),
  well('busy, close under the limit', ['busy', 'near-the-limit']),
  well('warm air for some minutes', ['warm-bursts']),
  well('BMC judges wrongly for a look', ['judgement-slips']),
  well('sensor that is not connected, chatty log', ['dead-sensor', 'chatty-log']),
  well('one app that crashes', ['one-app-crashes', 'few-corrected-errors']),
  well('apps that crash everywhere', ['apps-crash-everywhere', 'busy']),
  { name: 'corrected errors rise', made: ['ecc-ramp'], told: [memory], cordon: 'no' },
  { name: 'corrected errors in bursts', made: ['ecc-bursts'], told: [memory], cordon: 'no' },
  { name: 'uncorrectable error', made: ['ecc-uncorrectable'], told: [uncorrectable], cordon: 'no' },
  { name: 'fan lost', made: ['fan-loss'], told: [fan], beside: [fanless], cordon: 'no' },
  { name: 'fan lost, not judged', made: ['fan-silent'], told: [fan], beside: [fanless], cordon: 'no' },
  { name: 'fan that fades', made: ['fan-fading'], told: [{ ...fan, within: 75 }], beside: [fanless], cordon: 'no' },
  { name: 'power supply lost', made: ['psu-loss'], told: [supply], beside: ['power-redundancy'], cordon: 'no' },
  {
    name: 'power supply comes and goes',
    made: ['psu-flaps'],
    told: [supply],
    beside: ['power-redundancy'],
    cordon: 'no',
  },
  {
    name: 'drive expects to fail',
    made: ['drive-predictive'],
    told: [{ ...drive, as: 'drive-predicted-failure' }],
    cordon: 'no',
  },
  { name: 'drive dead', made: ['drive-dead'], told: [drive], cordon: 'no' },
  { name: 'room gets warm', made: ['inlet-ramp'], told: [inlet], beside: ['component-temperature'], cordon: 'no' },
  { name: 'processor runs away', made: ['thermal-runaway'], told: [heat], cordon: 'no' },
  // Several at once.
  {
    name: 'uncorrectable error, and its log entry',
    made: ['ecc-uncorrectable', 'logged'],
    told: [uncorrectable],
    beside: ['log-critical'],
    cordon: 'either',
  },
  {
    name: 'fan lost, and its log entry',
    made: ['fan-silent', 'logged'],
    told: [fan],
    beside: ['log-critical', fanless],
    cordon: 'no',
  },
  {
    name: 'fan lost, an app crashes',
    made: ['fan-silent', 'one-app-crashes'],
    told: [fan],
    beside: [fanless],
    cordon: 'no',
  },
  {
    name: 'memory errors, and a noisy sensor',
    made: ['ecc-uncorrectable', 'noisy-sensor'],
    told: [uncorrectable],
    cordon: 'no',
  },
  {
    name: 'drive dead in a warm room',
    made: ['drive-dead', 'inlet-ramp'],
    told: [drive, inlet],
    beside: ['component-temperature'],
    cordon: 'either',
  },
  {
    name: 'memory errors, pods crash',
    made: ['ecc-uncorrectable', 'pods-crash'],
    told: [uncorrectable],
    cordon: 'yes',
  },
  {
    name: 'memory errors, pods crash, BMC away now and then',
    made: ['ecc-uncorrectable', 'pods-crash', 'bmc-gaps'],
    told: [{ ...uncorrectable, within: 60 }],
    beside: ['bmc-unreachable'],
    cordon: 'yes',
  },
  {
    name: 'fan and memory',
    made: ['fan-silent', 'ecc-uncorrectable'],
    told: [fan, uncorrectable],
    beside: [fanless],
    cordon: 'yes',
  },
  {
    name: 'fan and memory, readings missing',
    made: ['fan-loss', 'ecc-uncorrectable', 'missing-readings'],
    told: [
      { ...fan, within: 10 },
      { ...uncorrectable, within: 10 },
    ],
    beside: [fanless],
    cordon: 'yes',
  },
  {
    name: 'fan lost, and the heat that follows',
    made: ['fan-silent', 'thermal-runaway'],
    told: [fan, heat],
    beside: [fanless],
    cordon: 'yes',
  },
  {
    name: 'power supply and drive',
    made: ['psu-loss', 'drive-dead'],
    told: [supply, drive],
    beside: ['power-redundancy'],
    cordon: 'yes',
  },
  {
    name: 'corrected errors rise, and a drive dies',
    made: ['ecc-ramp', 'drive-dead'],
    told: [memory, drive],
    cordon: 'yes',
  },
];

export type Outcome = {
  story: Story;
  seed: number;
  /** Told without reason, or before anything broke. */
  falsely: { kind: FindingKind; critical: boolean }[];
  missed: FindingKind[];
  /** Told, and later than they must. */
  late: FindingKind[];
  /** Minutes from the fault to the last of what must be told; where all of it was. */
  after?: number;
  /** Minutes from the fault to the advice to cordon; negative before it. */
  cordonAfter?: number;
};

/** The stories in turn. */
export function storyOf(seed: number): Story {
  return stories[seed % stories.length] as Story;
}

/** So many histories over all stories in turn, each with a seed of its own. */
export function outcomesOf(histories: number): Outcome[] {
  return Array.from({ length: histories }, (_, seed) => {
    const history = historyOf(storyOf(seed).made, seed);
    return outcomeOf(seed, history, watched(history));
  });
}

/** How that history, as it was watched, compares with what its story has to be told. */
export function outcomeOf(seed: number, history: History, { opened, cordonAt }: Watched): Outcome {
  const story = storyOf(seed);
  const minutesAfter = (at: number) => (at - history.fault.at.getTime()) / minuteMs;
  const first = story.told.map(({ as, within }) => ({
    as,
    within,
    after: opened.filter(({ kind, at }) => kind === as && minutesAfter(at) >= 0).map(({ at }) => minutesAfter(at))[0],
  }));
  const allowed = [...story.told.map(({ as }) => as), ...(story.beside ?? [])];
  const early = (kind: FindingKind, at: number) => story.told.some(({ as }) => as === kind) && minutesAfter(at) < 0;
  return {
    story,
    seed,
    falsely: opened.filter(({ kind, at }) => !allowed.includes(kind) || early(kind, at)),
    missed: first.filter(({ after }) => after === undefined).map(({ as }) => as),
    late: first.filter(({ after, within }) => after !== undefined && after > within).map(({ as }) => as),
    ...(first.length > 0 && first.every(({ after }) => after !== undefined)
      ? { after: Math.max(...first.map(({ after = 0 }) => after)) }
      : {}),
    ...(cordonAt === undefined ? {} : { cordonAfter: minutesAfter(cordonAt) }),
  };
}

/** Findings as they opened, and when it was first advised to cordon; milliseconds since 1970. */
export type Watched = {
  opened: { kind: FindingKind; at: number; critical: boolean }[];
  cordonAt: number | undefined;
};

/** As the service does it: each look is evaluated, and then it is asked whether to cordon. */
function watched({ looks, crashes }: History): Watched {
  let state: ServerState | undefined;
  let cordonAt: number | undefined;
  const opened: Watched['opened'] = [];
  for (const look of looks) {
    const next = evaluate(state, look, { site: 'bos' });
    state = next.state;
    for (const { kind, level, state: now } of next.changed)
      if (now === 'open') opened.push({ kind, at: look.at.getTime(), critical: level === 'critical' });
    const readAt = state.readAt === undefined ? undefined : new Date(state.readAt);
    if (isToCordon(look, { findings: findingsOf(state), readAt, crashes })) cordonAt ??= look.at.getTime();
  }
  return { opened, cordonAt };
}

/** `crashes` are all of its history; those to come are left out. */
export function isToCordon(
  { node, at }: Pick<Look, 'node' | 'at'>,
  { findings, readAt, crashes }: { findings: Finding[]; readAt: Date | undefined; crashes: Crash[] },
): boolean {
  const until = crashes.filter(crash => Date.parse(crash.at ?? '') <= at.getTime());
  const pods = crashSignal(node, until, at);
  const facts = {
    findings,
    alarms: [],
    now: at,
    ...(pods === undefined ? {} : { pods }),
    ...(readAt === undefined ? {} : { readAt }),
    // Of a release nothing is asked here.
    healthyForMs: 6 * 60 * minuteMs,
  };
  return cordonAdvice(facts).advice === 'cordon';
}

export type Row = {
  story: Story;
  histories: number;
  /** Histories with one at least. */
  falseWarnings: number;
  falseCritical: number;
  missed: number;
  late: number;
  medianMinutes: number | undefined;
  falseCordons: number;
  missedCordons: number;
  cordonMinutes: number | undefined;
};

export function rowsOf(outcomes: Outcome[]): Row[] {
  return [...Map.groupBy(outcomes, ({ story }) => story)].map(([story, all]) => {
    const cordoned = all.flatMap(({ cordonAfter }) => cordonAfter ?? []);
    return {
      story,
      histories: all.length,
      falseWarnings: all.filter(({ falsely }) => falsely.some(({ critical }) => !critical)).length,
      falseCritical: all.filter(({ falsely }) => falsely.some(({ critical }) => critical)).length,
      missed: all.filter(({ missed }) => missed.length > 0).length,
      late: all.filter(({ late }) => late.length > 0).length,
      medianMinutes: median(all.flatMap(({ after }) => after ?? [])),
      falseCordons: story.cordon === 'no' ? cordoned.length : cordoned.filter(after => after < 0).length,
      missedCordons: story.cordon === 'yes' ? all.length - cordoned.length : 0,
      cordonMinutes: story.cordon === 'yes' ? median(cordoned) : undefined,
    };
  });
}

function median(values: number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
