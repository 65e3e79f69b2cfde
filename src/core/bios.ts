/** BIOS settings: what is in force, what waits for the next start, and what the BMC's own registry lets them be. */
import type { Fact } from './bmc.ts';

export type BiosValue = string | number | boolean;

export type BiosReading = {
  /** In force since the last start. A finished task says nothing of it. */
  active: Record<string, BiosValue>;
  /** What waits beside what is in force. */
  waiting: Fact<Record<string, BiosValue>>;
  /** The next start brings into force what waits. Otherwise only a job does, and such a job is a task of the BMC. */
  startApplies: boolean;
};

export type BiosAttribute = {
  name: string;
  takes: /** Some BIOSes show and take the label in place of the value. */
    | { type: 'enumeration'; values: string[]; labels: string[] }
    | { type: 'integer'; lower?: number; upper?: number; step?: number }
    | { type: 'string'; minLength?: number; maxLength?: number }
    | { type: 'boolean' }
    /** Never read, never planned: a secret. */
    | { type: 'password' }
    | { type: 'unknown' };
  /** Why it is not set, whatever the other attributes are. */
  fixed?: string;
  readOnly: boolean;
  grayedOut: boolean;
  hidden: boolean;
};

export type BiosCondition = {
  attribute: string;
  is: 'EQU' | 'NEQ' | 'GTR' | 'GEQ' | 'LSS' | 'LEQ';
  value: BiosValue;
  /** How it is joined to the conditions before it. */
  joined: 'and' | 'or';
};

/** While its conditions hold, an attribute is so: it cannot be set, or has this value. The last that holds wins. */
export type BiosDependency = { attribute: string; when: BiosCondition[] } & (
  | { becomes: 'readOnly' | 'grayedOut' | 'hidden'; so: boolean }
  | { becomes: 'value'; so: BiosValue }
);

export type BiosRegistry = { attributes: BiosAttribute[]; dependencies: BiosDependency[] };

/** One attribute of a plan. */
export type BiosChange = { attribute: string; from: BiosValue; to: BiosValue };

/** A value for people: as it is where it is plain, else quoted and cut. Servers write some of them. */
export function showBios(value: BiosValue): string {
  const text = String(value);
  return /^[\w .:/()%+-]{1,80}$/.test(text) ? text : JSON.stringify(text.slice(0, 80));
}

/** `Name from → to`, for people. */
export function showBiosChange({ attribute, from, to }: BiosChange): string {
  return `${attribute} ${showBios(from)} → ${showBios(to)}`;
}
