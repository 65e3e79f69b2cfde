/** What a sample does not hold and others found out: versions, the certificate, how full the log is. */
import { type Fact, factValue } from '../../core/bmc.ts';
import type { Observation, Verdict } from '../observation.ts';

/** What runs against what is wanted, and whether they differ where their order is known. */
export type Drift = { component: string; have: string; want: string; differs: Fact<boolean> };

/** Whatever is left out is taken as not read. */
export type Given = {
  /** One for each component that has a wanted version. */
  firmware?: Drift[];
  certificateExpires?: Date;
  /** 0 to 1. */
  logFilled?: number;
};

const day = 24 * 3_600_000;
const expiry = { warningMs: 21 * day, criticalMs: 3 * day };
const filled = { bad: 0.9, well: 0.8 };

export function observeGiven({ firmware = [], certificateExpires, logFilled }: Given, now: number): Observation[] {
  return [
    ...firmware.flatMap(({ component, have, want, differs }): Observation[] => {
      const drifted = factValue(differs);
      if (drifted === undefined) return [];
      const text = `${component} runs ${have}, wanted is ${want}`;
      return [{ kind: 'firmware-drift', part: { name: component }, verdict: drifted ? 'warning' : 'good', text }];
    }),
    ...(certificateExpires === undefined ? [] : [certificate(certificateExpires, now)]),
    ...(logFilled === undefined ? [] : [log(logFilled)]),
  ];
}

function certificate(expires: Date, now: number): Observation {
  const left = expires.getTime() - now;
  const verdict: Verdict = left <= expiry.criticalMs ? 'critical' : left <= expiry.warningMs ? 'warning' : 'good';
  const days = Math.floor(Math.abs(left) / day);
  const told = left < 0 ? `expired ${days} days ago` : `expires in ${days} days`;
  return {
    kind: 'certificate-expiry',
    part: { name: 'certificate' },
    verdict,
    text: `the BMC's certificate ${told}`,
    value: left < 0 ? -days : days,
  };
}

function log(share: number): Observation {
  const verdict: Verdict = share >= filled.bad ? 'warning' : share > filled.well ? 'held' : 'good';
  const percent = Math.round(share * 100);
  return {
    kind: 'log-full',
    part: { name: 'event log' },
    verdict,
    text: `the event log is ${percent} % full`,
    value: percent,
  };
}
