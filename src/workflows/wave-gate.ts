/** The gate after a wave, as journaled steps of the operation: every cluster that the plan touches passes it, or nothing goes on. */
import { FleetError } from '../core/errors.ts';
import type { Flow } from '../core/flow.ts';
import type { PlanGates } from '../core/gate.ts';
import { endReason } from '../core/operation.ts';
import type { Parts } from '../operations/job.ts';
import { type BeforeWave, passWaveGate, readBeforeWave } from '../operations/pass-wave-gate.ts';
import { briefly } from '../operations/wait.ts';
import type { End } from './next-tick.ts';

type Scope = { site: string; cluster: string };
export type WaveGates = { gates: PlanGates; scopes: Scope[] };
export type Stood = Scope & { before: BeforeWave };

/** How each cluster stood before the wave, or why that is not known: then the wave does not begin. */
export async function beforeWave(
  parts: Parts,
  flow: Flow,
  { label, scopes }: { label: string; scopes: Scope[] },
): Promise<{ stood: Stood[] } | { unknown: string }> {
  const until = { by: briefly(parts.timings.pollMs), stopReason: cancelled(parts, flow) };
  return flow.step(`before ${label}`, async () => {
    try {
      const read = scopes.map(async scope => ({
        ...scope,
        before: await readBeforeWave(parts, { ...scope, ...until }),
      }));
      return { stood: await Promise.all(read) };
    } catch (thrown) {
      return { unknown: FleetError.from(thrown).message };
    }
  });
}

/** Waits at the gate; answers how the operation ends there, or null. */
export async function afterWave(
  parts: Parts,
  flow: Flow,
  { label, gates, stood }: { label: string; gates: PlanGates; stood: Stood[] },
): Promise<End | null> {
  const step = `gate after ${label}`;
  const begun = await flow.step(`${step} begins`, async () => Date.now());
  const passes = stood.map(({ site, cluster, before }) => {
    const tell = (status: 'progress' | 'ok' | 'failed', message: string) =>
      parts.records.operations.addEvent(flow.operation, `${step}/${cluster}/${status}/${message}`, {
        step,
        status,
        message: `${cluster}: ${message}`,
      });
    const gate = {
      label: `${label} in ${cluster}`,
      gates,
      subject: { site, cluster },
      before,
      begun,
      tell: (message: string) => tell('progress', message),
      stopReason: cancelled(parts, flow),
    };
    return async (): Promise<End | null> => {
      try {
        await tell('ok', await passWaveGate(parts, gate));
        return null;
      } catch (thrown) {
        const { code, message } = FleetError.from(thrown);
        await tell('failed', message);
        return { state: code === 'stopped' ? 'cancelled' : 'halted', reason: message };
      }
    };
  });
  return flow.step(step, async () => (await Promise.all(passes.map(pass => pass()))).find(end => end !== null) ?? null);
}

function cancelled({ records }: Parts, flow: Flow): () => Promise<string | undefined> {
  return async () => endReason(await records.operations.head(flow.operation));
}
