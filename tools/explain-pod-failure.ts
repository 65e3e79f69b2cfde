/** Whether the hardware under a pod explains why it failed. */
import { z } from 'zod';
import { factValue, unknown } from '../src/core/bmc.ts';
import { type Block, toned } from '../src/core/document.ts';
import { FleetError } from '../src/core/errors.ts';
import type { HealthSample } from '../src/core/hardware.ts';
import type { Quantity } from '../src/core/history.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import { explainPodFailure as explain } from '../src/health/explain-pod-failure.ts';
import { crashOf, failedTogether, togetherMs } from '../src/operations/pod-crashes.ts';
import { clusterNamed } from './parts/lookup.ts';
import { within } from './parts/within.ts';

const lookBackMs = 24 * 3_600_000;
/** Of the sensors of one kind, so many are asked whether they were read. */
const mostAsked = 4;

export const explainPodFailure = readTool({
  name: 'explainPodFailure',
  title: 'Why a pod failed',
  description:
    'Looks at the history of the server under a crashed or evicted pod around that moment: findings, event log, and what else failed there. Answers the likeliest causes with confidence and evidence; "nothing in the hardware explains it" is an answer too.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    cluster: z.string().describe('Cluster, or its site'),
    pod: z
      .string()
      .regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/, 'expected namespace/name')
      .describe('Pod, as namespace/name'),
  }),
  positional: ['cluster', 'pod'],
  example: { cluster: 'boston', pod: 'shop/web-0123456789-abcde' },
  output: z.object({
    pod: z.string(),
    workload: z.string(),
    node: z.string(),
    failed: z.string().describe('How its newest failure looked to Kubernetes'),
    at: z.string().optional(),
    alsoFailed: z.array(z.string()).describe('Other workloads of the node that failed within ten minutes of it'),
    explanations: z
      .array(
        z.object({
          cause: z.string(),
          text: z.string(),
          confidence: z.enum(['high', 'medium', 'low']),
          evidence: z.array(z.object({ at: z.string(), text: z.string(), untrusted: z.string().optional() })),
        }),
      )
      .describe('The likeliest first'),
  }),
  async run(context, input) {
    const cluster = clusterNamed(context, input.cluster);
    const pods = await context.clusters.of(cluster.name).pods();
    const pod = pods.find(each => `${each.namespace}/${each.name}` === input.pod);
    if (!pod)
      throw new FleetError({
        code: 'not_found',
        message: `cluster ${cluster.name} has no pod ${input.pod} now`,
        hint: 'a pod that was evicted or deleted is gone; ask for the node with list-findings --hours',
      });
    const { node } = pod;
    const failure = crashOf(pod, pods);
    if (!failure || !node)
      throw new FleetError({
        code: 'precondition_failed',
        message: `${input.pod} shows no failure${node ? '' : ', and runs nowhere'}`,
        hint: 'get-node-workloads shows the pods that restarted',
      });
    const together = failedTogether(pod, pods);
    const at = new Date(failure.at ?? Number.NaN);
    const found = Number.isNaN(at.getTime()) ? undefined : await serverAround(context, node, at);
    const explanations = explain({
      findings: [],
      readThen: false,
      ...found,
      failure,
      othersThen: together.length,
    });
    return {
      pod: input.pod,
      workload: failure.workload,
      node,
      failed: `${failure.reason}${failure.exitCode === undefined ? '' : `, exit code ${failure.exitCode}`}`,
      ...(failure.at === undefined ? {} : { at: failure.at }),
      alsoFailed: together,
      explanations,
    };
  },
  present: ({ pod, workload, node, failed, at, alsoFailed, explanations }) => [
    { heading: `Why ${pod} failed` },
    {
      facts: [
        ['workload', workload],
        ['node', node],
        ['failed', `${failed}${at ? ` at ${at}` : ''}`],
        ['with it', alsoFailed.join(', ') || 'no other workload of the node'],
      ],
    },
    {
      table: {
        columns: ['cause', 'confidence'],
        rows: explanations.map(({ text, confidence }) => [
          text,
          toned(confidence, confidence === 'high' ? 'good' : confidence === 'medium' ? 'plain' : 'muted'),
        ]),
      },
    },
    ...explanations
      .flatMap(({ evidence }) => evidence)
      .map(
        ({ at: when, text, untrusted }): Block =>
          untrusted === undefined
            ? { text: `${when}  ${text}` }
            : { untrusted: [`${when} ${untrusted}`], source: text },
      ),
  ],
});

type Moment = { node: string; from: Date; to: Date };

/** What is known of the server around that moment. */
async function serverAround({ health, history, bmcs }: ToolContext, node: string, at: Date) {
  const since = new Date(at.getTime() - lookBackMs);
  const moment = { node, from: new Date(at.getTime() - togetherMs), to: new Date(at.getTime() + togetherMs) };
  const [archived, answered, look] = await Promise.all([
    health.archive.list({ node, since, limit: 200 }),
    wasRead(history, moment, 'power'),
    within(async () => ({ begun: Date.now(), sample: await bmcs.of(node).sample(), ended: Date.now() })),
  ]);
  const now = health.findings(node);
  const current = new Set(now.map(finding => `${finding.id} ${finding.since}`));
  const { sample, begun = 0, ended = 0 } = factValue(look) ?? {};
  const log = sample && factValue(sample.log);
  const clock = Date.parse((sample && factValue(sample.bmcTime)) ?? '');
  return {
    findings: [...now, ...archived.filter(finding => !current.has(`${finding.id} ${finding.since}`))],
    readThen: answered,
    unread: answered ? await unreadParts(history, moment, sample) : [],
    // The clock that is read in the middle of a look.
    logAheadMs: Number.isNaN(clock) ? 0 : clock - (begun + ended) / 2,
    ...(log ? { log } : {}),
  };
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
