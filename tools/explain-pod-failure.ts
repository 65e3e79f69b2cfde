/** Whether the hardware under a pod explains why it failed. */
import { z } from 'zod';
import { factValue } from '../src/core/bmc.ts';
import type { PodFacts } from '../src/core/cluster.ts';
import { type Block, toned } from '../src/core/document.ts';
import { FleetError } from '../src/core/errors.ts';
import { readTool, type ToolContext } from '../src/core/tool.ts';
import type { Crash } from '../src/health/crashes.ts';
import { explainPodFailure as explain } from '../src/health/explain-pod-failure.ts';
import { ownerName } from '../src/planning/workload.ts';
import { clusterNamed } from './parts/lookup.ts';
import { within } from './parts/within.ts';

const minuteMs = 60_000;
/** Failures this close to each other have to do with each other. */
const togetherMs = 10 * minuteMs;
const lookBackMs = 24 * 60 * minuteMs;

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
    const { failure, node } = pod;
    if (!failure || !node)
      throw new FleetError({
        code: 'precondition_failed',
        message: `${input.pod} shows no failure${node ? '' : ', and runs nowhere'}`,
        hint: 'get-node-workloads shows the pods that restarted',
      });
    const crash: Crash = { ...failure, workload: ownerName(pod), elsewhere: failsElsewhere(pod, pods) };
    const together = failedTogether(pod, pods);
    const at = new Date(failure.at ?? Number.NaN);
    const found = Number.isNaN(at.getTime()) ? undefined : await serverAround(context, node, at);
    const explanations = explain({
      failure: crash,
      findings: found?.findings ?? [],
      ...(found?.log ? { log: found.log } : {}),
      readThen: found?.readThen ?? false,
      othersThen: together.length,
    });
    return {
      pod: input.pod,
      workload: crash.workload,
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

/** Pods of the same workload on other nodes that failed at about the same time. */
function failsElsewhere(pod: PodFacts, pods: PodFacts[]): boolean {
  const workload = ownerName(pod);
  return pods.some(
    each =>
      each.node !== pod.node && each.controller !== undefined && ownerName(each) === workload && isTogether(each, pod),
  );
}

function failedTogether(pod: PodFacts, pods: PodFacts[]): string[] {
  const others = pods.filter(
    each => each.node === pod.node && ownerName(each) !== ownerName(pod) && isTogether(each, pod),
  );
  return [...new Set(others.map(ownerName))].toSorted();
}

function isTogether(a: PodFacts, b: PodFacts): boolean {
  return Math.abs(Date.parse(a.failure?.at ?? '') - Date.parse(b.failure?.at ?? '')) <= togetherMs;
}

/** What is known of the server around that moment. */
async function serverAround({ health, history, bmcs }: ToolContext, node: string, at: Date) {
  const since = new Date(at.getTime() - lookBackMs);
  const window = { from: new Date(at.getTime() - togetherMs), to: new Date(at.getTime() + togetherMs) };
  const [archived, power, sample] = await Promise.all([
    health.archive.list({ node, since, limit: 200 }),
    history.series({ node, quantity: 'power', ...window, points: 4 }),
    within(() => bmcs.of(node).sample()),
  ]);
  const now = health.findings(node);
  const current = new Set(now.map(finding => `${finding.id} ${finding.since}`));
  const log = factValue(sample)?.log;
  return {
    findings: [...now, ...archived.filter(finding => !current.has(`${finding.id} ${finding.since}`))],
    readThen: power?.points.some(({ mean }) => mean !== null) ?? false,
    log: log && factValue(log),
  };
}
