/** What a BMC answers to what its owner never paid for: 403, which is no matter of the account, in each vendor's words. */
import type { Controller } from '../controller.ts';
import type { LabVendor } from '../profiles/profile.ts';
import { type Reply, vendorProblem } from '../reply.ts';

const ids: Partial<Record<LabVendor, string>> = {
  dell: 'IDRAC.2.8.LIC501',
  hpe: 'iLO.2.14.LicenseKeyRequired',
  supermicro: 'SMC.1.0.OemLicenseNotPassed',
};

/** The refusal, while the fault is set. */
export function unlicensed({ faults, profile }: Controller): Reply | undefined {
  if (faults.get('unlicensed') === undefined) return undefined;
  const messageId = ids[profile.vendor] ?? `${profile.acts.events.registry}.LicenseRequired`;
  return vendorProblem({ status: 403, messageId, message: 'This needs a licence that is not installed.' });
}
