/** The checks of the custody log, for surfaces: they run where the user is, on what the service hands out, and trust only the key. */
export { exportBundle, verifyBundle } from '../guard/custody/bundle.ts';
export { keyedDigest } from '../guard/custody/evidence-seal.ts';
export type { OpenIntent } from '../guard/custody/intent-ledger.ts';
export { openProof, type Proved, proveContinuation, proveInclusion } from '../guard/custody/proof.ts';
export { Trail, type TrailSubject } from '../guard/custody/trail.ts';
export { type CustodyProblem, type CustodyVerdict, verifyLog } from '../guard/custody/verify.ts';
