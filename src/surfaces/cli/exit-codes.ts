/** What a script can tell from the exit status. */
import { type ErrorCode, unreachable } from '../../core/errors.ts';

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  notLoggedIn: 4,
  unreachable: 5,
  custody: 6,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp: [ExitCode, string][] = [
  [0, 'ok'],
  [1, 'failed'],
  [2, 'wrong usage or invalid input'],
  [3, 'denied by policy, or forbidden'],
  [4, 'not logged in'],
  [5, 'service, BMC, cluster or language model unreachable'],
  [6, 'custody verification failed'],
];

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case 'invalid_input':
    case 'invalid_config':
      return exitCodes.usage;
    case 'forbidden':
      return exitCodes.denied;
    case 'unauthenticated':
      return exitCodes.notLoggedIn;
    case 'service_unreachable':
    case 'model_unavailable':
    case 'bmc_unreachable':
    case 'cluster_unreachable':
      return exitCodes.unreachable;
    case 'not_found':
    case 'conflict':
    case 'bmc_auth':
    case 'bmc_protocol':
    case 'bmc_refused':
    case 'certificate_changed':
    case 'cluster_refused':
    case 'image_invalid':
    case 'identity_mismatch':
    case 'precondition_failed':
    case 'stopped':
    case 'task_stuck':
    case 'ambiguous':
    case 'timeout':
    case 'port_taken':
    case 'database':
    case 'internal':
      return exitCodes.failed;
    default:
      return unreachable(code);
  }
}
