/**
 * Failures that people read. An expected outcome is a value; what stops an act
 * is a FleetError with a closed code, a hint of what to do next, and a message
 * that is safe to show: it holds no secret and no machine text.
 */

export const errorCodes = [
  'invalid_input',
  'invalid_config',
  'not_found',
  'unauthenticated',
  'forbidden',
  'conflict',
  'bmc_unreachable',
  'bmc_auth',
  'bmc_protocol',
  'bmc_refused',
  'certificate_changed',
  'cluster_unreachable',
  'cluster_refused',
  'image_invalid',
  'identity_mismatch',
  'precondition_failed',
  'stopped',
  'task_stuck',
  'ambiguous',
  'timeout',
  'port_taken',
  'service_unreachable',
  'model_unavailable',
  'database',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** `never`: repeating cannot help. `later`: the same call may pass. `ask`: only a person can tell. */
export type Retry = 'never' | 'later' | 'ask';

export type FleetErrorFields = {
  code: ErrorCode;
  message: string;
  retry?: Retry;
  /** What the reader can do now, one sentence. */
  hint?: string;
  /** Text that a machine or a stranger wrote. Shown in a marked block, never interpreted. */
  untrusted?: string;
  /** RFC 3339: from when on the same call may pass, where that is known. */
  after?: string;
  cause?: unknown;
};

export class FleetError extends Error {
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly hint?: string;
  readonly untrusted?: string;
  readonly after?: string;

  constructor(fields: FleetErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.name = 'FleetError';
    this.code = fields.code;
    this.retry = fields.retry ?? 'never';
    this.hint = fields.hint;
    this.untrusted = fields.untrusted;
    this.after = fields.after;
  }

  /** The wire and journal form; `cause` stays behind, it may hold what must not travel. */
  toJSON(): FleetErrorJson {
    const { code, message, retry, hint, untrusted, after } = this;
    return { code, message, retry, hint, untrusted, after };
  }

  static fromJSON(json: FleetErrorJson): FleetError {
    return new FleetError(json);
  }

  /** Any thrown value as a FleetError; what is not ours becomes `internal` and keeps its message. */
  static from(thrown: unknown): FleetError {
    if (thrown instanceof FleetError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new FleetError({ code: 'internal', message, cause: thrown });
  }
}

export type FleetErrorJson = Omit<FleetErrorFields, 'cause'> & { retry: Retry };

/** Ends an exhaustive switch: a new case that nobody handles fails to compile. */
export function unreachable(value: never): never {
  throw new FleetError({ code: 'internal', message: `unhandled case ${JSON.stringify(value)}` });
}

/** The database is away, and with it whatever could be decided or recorded: the same act may pass once it is back. */
export class DatabaseAway extends FleetError {
  constructor(cause?: unknown) {
    super({
      code: 'database',
      retry: 'later',
      message: 'the database cannot be reached, or ended the connection',
      hint: 'nothing was lost: operations go on once it is back',
      cause,
    });
  }
}
