/** The profile that a vendor's firmware of one version needs: what changed since is data of the profile, beside what stayed. */
import type { VendorProfile } from './profile.ts';

/** The base profile where the version is not known: that is what the older firmware, and every standard, bears. */
export function editionFor(profile: VendorProfile, version: string | null | undefined): VendorProfile {
  const fields = fieldsOf(version);
  if (fields === undefined) return profile;
  const reached = (profile.editions ?? []).filter(({ since }) => isAtLeast(fields, fieldsOf(since) ?? []));
  return Object.assign({}, profile, ...reached.map(({ switches }) => switches));
}

/** Of `7.30.10.50`, `01.05.03`, or `iLO 5 v3.11`; undefined for what has no such numbers, or more words than that. */
function fieldsOf(version: string | null | undefined): number[] | undefined {
  const dotted = /^(?:iLO \d+ )?v?(\d{1,5}(?:\.\d{1,5})+)$/i.exec(version?.trim() ?? '')?.[1];
  return dotted?.split('.').map(Number);
}

function isAtLeast(fields: number[], least: number[]): boolean {
  for (const [index, wanted] of least.entries()) {
    const field = fields[index] ?? 0;
    if (field !== wanted) return field > wanted;
  }
  return true;
}
