/**
 * Switches of a change's input, off unless said. One that widens or sharpens
 * what is done is set for a model only where the person's words ask for it, and
 * says with which; a gentle one does less, or the same with more care.
 */
import { z } from 'zod';
import type { Phrases } from './tool.ts';

/** What a model needs of the person before it sets a switch, or takes one of these choices. What is not declared it never sets. */
export type Need = { needs?: Phrases | 'nothing'; choices?: Record<string, Phrases> };

export const inputNeeds = z.registry<Need>();

export function sharpSwitch(description: string, needs: Phrases) {
  return z.boolean().default(false).describe(description).register(inputNeeds, { needs });
}

export function gentleSwitch(description: string) {
  return z.boolean().default(false).describe(description).register(inputNeeds, { needs: 'nothing' });
}
