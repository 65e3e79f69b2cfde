/** Moments at which people prove who they are, in tests of how long that is believed. */
import type { Proof } from '../../src/core/records.ts';

export const minute = 60_000;
export const start = Date.parse('2026-11-26T12:00:00Z');
export const at = (ms: number) => new Date(ms).toISOString();
export const proof = (ms = start): Proof => ({ at: at(ms), strength: 'oidc' });
export const unauthenticated = { code: 'unauthenticated' };
