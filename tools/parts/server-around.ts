/** What the records and its BMC tell of a server around a moment. */
import { factValue, unknown } from '../../src/core/bmc.ts';
import type { HealthSample } from '../../src/core/hardware.ts';
import type { Quantity } from '../../src/core/history.ts';
import type { ToolContext } from '../../src/core/tool.ts';
import type { PodFailureFacts, SeenEntry } from '../../src/health/explain-pod-failure.ts';
import { togetherMs } from '../../src/operations/pod-crashes.ts';
import { within } from './within.ts';

const lookBackMs = 24 * 3_600_000;
/** An entry of a log may come to us as late as this: a BMC that goes down with its node tells later. */
const lateMs = 2 * 3_600_000;
const mostEntries = 500;
/** Of the sensors of one kind, so many are asked whether they were read. */
const mostAsked = 4;

type Moment = { node: string; from: Date; to: Date };

export type ServerAround = Omit<PodFailureFacts, 'failure' | 'told' | 'evicted' | 'othersThen'>;

/** What was found, read and logged of the server around that moment. A BMC that is silent now costs only what it would say now. */
export async function serverAround(
  { health, history, bmcs }: ToolContext,
  node: string,
  at: Date,
): Promise<ServerAround> {
  const since = new Date(at.getTime() - lookBackMs);
  const moment = { node, from: new Date(at.getTime() - togetherMs), to: new Date(at.getTime() + togetherMs) };
  const taken = { node, from: since, to: new Date(at.getTime() + lateMs), limit: mostEntries };
  const [archived, answered, entries, look] = await Promise.all([
    health.archive.list({ node, since, limit: 200 }),
    wasRead(history, moment, 'power'),
    health.logEntries.list(taken),
    within(async () => ({ begun: Date.now(), sample: await bmcs.of(node).sample(), ended: Date.now() })),
  ]);
  const now = health.findings(node);
  const current = new Set(now.map(finding => `${finding.id} ${finding.since}`));
  const { sample, begun = 0, ended = 0 } = factValue(look) ?? {};
  const clock = Date.parse((sample && factValue(sample.bmcTime)) ?? '');
  return {
    findings: [...now, ...archived.filter(finding => !current.has(`${finding.id} ${finding.since}`))],
    readThen: answered,
    unread: answered ? await unreadParts(history, moment, sample) : [],
    log: joined(entries, (sample && factValue(sample.log)) ?? []),
    // The clock that is read in the middle of a look.
    logAheadMs: Number.isNaN(clock) ? aheadBy(entries) : clock - (begun + ended) / 2,
  };
}

/** What the log shows now and what came before; each entry once. */
function joined(taken: SeenEntry[], shown: SeenEntry[]): SeenEntry[] {
  const keyOf = ({ id, created, message }: SeenEntry) => `${id} ${Date.parse(factValue(created) ?? '')} ${message}`;
  const known = new Set(taken.map(keyOf));
  return [...taken, ...shown.filter(entry => !known.has(keyOf(entry)))];
}

/** Milliseconds by which a BMC's clock is ahead at least: an entry is written before it comes to us, the fastest just before. */
function aheadBy(taken: SeenEntry[]): number {
  const ahead = taken.flatMap(({ created, takenAt }) => {
    const written = Date.parse(factValue(created) ?? '');
    return Number.isNaN(written) || !takenAt ? [] : [written - takenAt.getTime()];
  });
  return ahead.length > 0 ? Math.max(...ahead) : 0;
}

/** Parts that may explain a crash, and of which nothing was read then. */
async function unreadParts(history: ToolContext['history'], moment: Moment, sample: HealthSample | undefined) {
  const measured = await history.quantities(moment.node, moment.from);
  const read = async (belongs: (quantity: Quantity) => boolean) => {
    const of = measured.filter(belongs).slice(0, mostAsked);
    return (await Promise.all(of.map(({ name }) => wasRead(history, moment, name)))).includes(true);
  };
  // A BMC that judges its modules and counts nothing leaves no numbers behind.
  const judged = factValue(sample?.memory ?? unknown(''))?.some(({ health }) => 'value' in health) ?? false;
  const memory = judged || (await read(({ name }) => / (un)?corrected errors$/.test(name)));
  const temperatures = await read(({ unit }) => unit === 'celsius');
  return [...(memory ? [] : ['memory']), ...(temperatures ? [] : ['temperatures'])];
}

async function wasRead(history: ToolContext['history'], { node, from, to }: Moment, quantity: string) {
  const series = await history.series({ node, quantity, from, to, points: 4 });
  return series?.points.some(({ mean }) => mean !== null) ?? false;
}
