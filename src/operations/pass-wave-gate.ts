/** The gate after a wave: the cluster bore it, and the operators' own checks hold. */
import type { GateSubject, PlanGates } from '../core/gate.ts';
import { judgePending, judgeVolumes, type PendingPods, pendingPods, troubledVolumes } from '../planning/gates.ts';
import type { Parts } from './job.ts';
import { passGates, passOwnChecks } from './pass-gates.ts';
import { answered } from './wait.ts';

export type BeforeWave = { pending: PendingPods; volumes: string[] };

type Where = { cluster: string; by: number; stopReason(): Promise<string | undefined> };

/** What the gate will compare with. Throws `timeout` when the cluster is away still at `by`. */
export async function readBeforeWave(parts: Parts, { cluster: name, ...until }: Where): Promise<BeforeWave> {
  const cluster = parts.clusters.of(name);
  const job = { target: { cluster: name }, timings: parts.timings };
  const [pods, attachments] = await answered({ job, ...until }, () =>
    Promise.all([cluster.pods(), cluster.attachments()]),
  );
  return { pending: pendingPods(pods), volumes: troubledVolumes(attachments) };
}

export type WaveGate = {
  /** As people know the wave. */
  label: string;
  gates: PlanGates;
  subject: GateSubject;
  before: BeforeWave;
  /** When the waiting began, milliseconds since the epoch. */
  begun: number;
  tell(message: string): Promise<void>;
  stopReason(): Promise<string | undefined>;
};

/** Answers what it saw, with figures. Throws as {@link passGates} does. */
export async function passWaveGate(parts: Parts, wave: WaveGate): Promise<string> {
  const { label, gates, subject, before, begun, tell, stopReason } = wave;
  const cluster = parts.clusters.of(subject.cluster);
  const at = { what: `the gate after ${label}`, pollMs: parts.timings.pollMs, tell, stopReason };
  const seen = await passGates({
    ...at,
    by: begun + parts.timings.gateMs,
    async look() {
      const [pods, attachments] = await Promise.all([cluster.pods(), cluster.attachments()]);
      return [judgePending(before.pending, pendingPods(pods)), judgeVolumes(before.volumes, attachments)];
    },
  });
  const own = await passOwnChecks({ ...at, gates, after: 'wave', configured: parts.ownChecks, subject, begun });
  return [seen, own].filter(said => said !== '').join('; ');
}
