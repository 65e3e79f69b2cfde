/** The HTTP status of each code, for machines and pages alike. */
import type { ErrorCode } from '../../core/errors.ts';

export const statuses: Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 500 | 502 | 503 | 504> = {
  invalid_input: 400,
  invalid_config: 500,
  not_found: 404,
  unauthenticated: 401,
  forbidden: 403,
  conflict: 409,
  bmc_unreachable: 502,
  bmc_auth: 502,
  bmc_protocol: 502,
  bmc_refused: 502,
  certificate_changed: 502,
  cluster_unreachable: 502,
  cluster_refused: 502,
  image_invalid: 409,
  identity_mismatch: 409,
  precondition_failed: 409,
  stopped: 409,
  task_stuck: 409,
  ambiguous: 409,
  timeout: 504,
  port_taken: 500,
  service_unreachable: 503,
  database: 503,
  internal: 500,
};
