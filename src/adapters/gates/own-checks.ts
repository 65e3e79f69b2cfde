/** The operators' own checks, ready to be asked. */
import type { OwnCheck, OwnCheckSettings } from '../../core/gate.ts';
import { boundedGet } from './bounded-get.ts';
import { askHttps } from './https-check.ts';
import { askPrometheus } from './promql.ts';

export function ownChecks(settings: readonly OwnCheckSettings[]): OwnCheck[] {
  return settings.map(({ question, ca, address, bearer, ...check }) => {
    const get = boundedGet({ ...(ca ? { ca } : {}), ...(address ? { address } : {}), ...(bearer ? { bearer } : {}) });
    return {
      ...check,
      ask: subject =>
        'promql' in question ? askPrometheus(get, question.promql, subject) : askHttps(get, question.https),
    };
  });
}
