/** Policies as files, for surfaces: who writes one sees what it does before any service loads it. */
export { caseFile, testPolicyFolder } from '../guard/policy/case-file.ts';
export { type Explanation, explainDecision } from '../guard/policy/explain-decision.ts';
export { loadPolicy } from '../guard/policy/load-policy.ts';
