/** Cray's blades: no boot override, no light, no media, no BIOS settings. */
import { type ActsSpec, resetStages } from '../acts.ts';

export const crayActs: ActsSpec = {
  boot: { targets: [], enabled: ['Disabled'], http: { uri: 'absent' } },
  light: { led: false, active: false },
  managerReset: { types: ['ForceRestart'], stages: resetStages(150), runningUpdate: 'fails' },
  bios: { id: 'Bios', attributes: [], pending: 'changes' },
  events: { limit: 8, registry: 'CrayAlerts.1.0', retryAttempts: 3, retryIntervalSeconds: 60 },
  lockout: { threshold: 5, seconds: 30 },
  latency: { p50Ms: 400, p95Ms: 2500 },
};
