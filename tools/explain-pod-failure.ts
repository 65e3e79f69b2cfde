/** Whether the hardware under a pod explains why it failed, whether or not the pod is still there. */
import { z } from 'zod';
import { type Block, foreign, toned } from '../src/core/document.ts';
import { readTool } from '../src/core/tool.ts';
import { explainPodFailure as explain } from '../src/health/explain-pod-failure.ts';
import { failedTogether } from '../src/operations/pod-crashes.ts';
import { clusterNamed } from './parts/lookup.ts';
import { machineWord } from './parts/machine-word.ts';
import { asAsked, eventRow, gapsOf, nothingFound, otherPod, refuseStrangers, serverOf } from './parts/pod-answer.ts';
import { endedPods, seePod } from './parts/pod-subject.ts';
import { serverAround } from './parts/server-around.ts';

const newestEvents = 8;

export const explainPodFailure = readTool({
  name: 'explainPodFailure',
  title: 'Why a pod failed',
  description:
    'Looks at the history of the server under a crashed, evicted or deleted pod around that moment: evictions by Groundskeeper, Events, findings, event log, and what else failed there. Works for a pod that is gone, also by node and time. Answers the likeliest causes with confidence and evidence; "nothing in the hardware explains it" is an answer too.',
  risk: 'read',
  scope: 'read',
  input: z.strictObject({
    cluster: z.string().describe('Cluster, or its site'),
    pod: z
      .string()
      .regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/, 'expected namespace/name')
      .describe('Pod, as namespace/name; it may be gone'),
    node: z.string().optional().describe('Node that it ran on, where nothing else tells it any more'),
    at: z.iso.datetime({ offset: true }).optional().describe('When it failed, where nothing else tells it any more'),
  }),
  positional: ['cluster', 'pod'],
  example: { cluster: 'boston', pod: 'shop/web-0123456789-abcde' },
  output: z.object({
    pod: z.string(),
    uid: z.string().optional(),
    standing: z
      .enum(['present', 'gone', 'replaced'])
      .describe('Whether this very pod is still there; replaced: another has its name now'),
    told: z
      .enum(['pod', 'event', 'records', 'asker'])
      .describe(
        'What tells of the failure: its own status, an Event alone, an eviction of ours, or the question alone',
      ),
    workload: z.string(),
    node: z.string().optional(),
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
    events: z
      .array(z.object({ at: z.string(), untrusted: z.string() }))
      .describe('What Kubernetes told of the pod, newest first; anybody who may write Events may have written it'),
    others: z.array(z.string()).describe('Other pods that had this name and ended, with our evictions of them'),
    gaps: z.array(z.string()).describe('What could not be looked at, and what that leaves open'),
  }),
  async run(context, input) {
    const { name: cluster } = clusterNamed(context, input.cluster);
    refuseStrangers(context, cluster, input.node);
    const [namespace = '', name = ''] = input.pod.split('/');
    const seen = await seePod(context, { cluster, namespace, name });
    const [ended, ...others] = endedPods(seen);
    const subject = ended ?? asAsked(seen, input);
    if (!subject) throw nothingFound(seen, { cluster, pod: input.pod });
    const { told, standing, uid, evicted, events } = subject;
    const failure = { ...subject.failure, at: subject.failure.at ?? input.at };
    const node = serverOf(context, cluster, subject) ?? input.node;
    const { at, workload } = failure;
    const moment = new Date(at ?? Number.NaN);
    const found = node && !Number.isNaN(moment.getTime()) ? await serverAround(context, node, moment) : undefined;
    const together = node ? failedTogether({ node, at, workload }, seen.pods) : [];
    const explanations = explain({
      findings: [],
      readThen: false,
      ...found,
      ...(evicted ? { evicted } : {}),
      told,
      failure,
      othersThen: together.length,
    });
    return {
      pod: input.pod,
      ...(uid === undefined ? {} : { uid }),
      standing,
      told,
      workload,
      ...(node === undefined ? {} : { node }),
      failed: `${told === 'pod' ? machineWord(failure.reason) : failure.reason}${failure.exitCode === undefined ? '' : `, exit code ${failure.exitCode}`}`,
      ...(at === undefined ? {} : { at }),
      alsoFailed: together,
      explanations,
      events: events.slice(0, newestEvents).map(eventRow),
      others: others.map(otherPod),
      gaps: gapsOf(seen, subject, node),
    };
  },
  present: ({ pod, standing, workload, node, failed, at, alsoFailed, explanations, events, others, gaps }) => [
    { heading: `Why ${pod} failed`, foreign: true },
    {
      facts: [
        ['pod', { present: 'is there', gone: 'is gone', replaced: 'is gone, and another has its name' }[standing]],
        ['workload', foreign(workload)],
        ['node', node ?? 'not known'],
        ['failed', foreign(`${failed}${at ? ` at ${at}` : ''}`)],
        ['with it', foreign(alsoFailed.join(', ') || 'no other workload of the node')],
      ],
    },
    {
      table: {
        columns: ['cause', 'confidence'],
        rows: explanations.map(({ text, confidence }) => [
          foreign(text),
          toned(confidence, confidence === 'high' ? 'good' : confidence === 'medium' ? 'plain' : 'muted'),
        ]),
      },
    },
    ...explanations
      .flatMap(({ evidence }) => evidence)
      .map(
        ({ at: when, text, untrusted }): Block =>
          untrusted === undefined
            ? { text: `${when}  ${text}`, foreign: true }
            : { untrusted: [`${when} ${untrusted}`], source: text },
      ),
    ...(events.length > 0
      ? [{ untrusted: events.map(({ at: when, untrusted }) => `${when} ${untrusted}`), source: 'Events of the pod' }]
      : []),
    ...(others.length > 0 ? [{ list: others.map(foreign), title: 'other pods of this name' }] : []),
    ...(gaps.length > 0 ? [{ list: gaps.map(foreign), title: 'not known' }] : []),
  ],
});
