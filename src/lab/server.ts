/** One server of the lab: a machine and the BMC that watches it, at the address that the layout gave it. */
import { type RunningBmc, startBmc } from './bmc/bmc.ts';
import { bmcProfiles } from './bmc/profiles/catalog.ts';
import { makeCertificate } from './certificate.ts';
import type { LabClock } from './clock.ts';
import type { EffectLog } from './effect-log.ts';
import { Host } from './host.ts';
import type { NodeLayout } from './layout.ts';
import { seededText, seededUuid } from './random.ts';

export type ServerOptions = {
  clock: LabClock;
  effects: EffectLog;
  seed: number;
  account: { username: string; password: string };
  /** The BMC takes as long as its vendor's usually do; default false, it answers at once. */
  latency?: boolean;
};

/** Who the machine is follows from seed and name. Throws port_taken when the BMC's address is in use. */
export async function startServer(
  options: ServerOptions,
  { name, machine, bmc }: NodeLayout,
): Promise<{ host: Host; server: RunningBmc }> {
  const { clock, effects, seed, account } = options;
  const { serialLength } = bmcProfiles[machine];
  const serial = seededText(seed, `${name}/serial`, 'ABCDEFGHJKLMNPQRSTVWXYZ0123456789', serialLength);
  const host = new Host({ name, uuid: seededUuid(seed, `${name}/uuid`), serial, clock });
  const server = await startBmc({
    host,
    machine,
    address: bmc.address,
    port: bmc.port,
    clock,
    effects,
    seed,
    account,
    certificate: makeCertificate({ commonName: `${name}-bmc`, altNames: [bmc.address] }),
  });
  if (options.latency) server.faults.set({ kind: 'latency', ...server.profile.acts.latency });
  return { host, server };
}
