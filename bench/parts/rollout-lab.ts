/** A process with the whole fleet of the rollout bench, so that what it takes to play thousands of servers is not taken from the service. */
import { subscribe } from 'node:diagnostics_channel';
import { shippedManifests } from '../../src/demo/lab-part.ts';
import { describeLab, type LabDescription } from '../../src/lab/description.ts';
import { type LabOptions, startLab } from '../../src/lab/lab.ts';
import { serve } from './messages.ts';

export type Start = Omit<LabOptions, 'manifests'> & {
  /** Keep the PodDisruptionBudgets of the lab's workloads. */
  pdbs: boolean;
};

let requests = 0;
subscribe('http.server.request.start', () => requests++);

const answers = {
  async start({ pdbs, ...options }: Start): Promise<LabDescription> {
    const lab = await startLab({ ...options, manifests: shippedManifests });
    for (const { cluster } of pdbs ? [] : lab.sites)
      for (const { metadata } of cluster.store.list('poddisruptionbudgets'))
        cluster.store.remove('poddisruptionbudgets', { name: metadata.name, namespace: metadata.namespace ?? '' });
    return describeLab(lab);
  },

  /** Of BMCs and API servers, so far. */
  requests: () => requests,

  /** Of this process, so far. */
  cpuMs(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

export type RolloutLab = typeof answers;

serve(answers);
