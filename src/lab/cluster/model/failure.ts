/** Every refusal of the API is a `Status` object with the HTTP code inside, as clients expect it. */

type StatusCause = { reason?: string; message?: string; field?: string };

export type StatusBody = {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    uid?: string;
    causes?: StatusCause[];
    retryAfterSeconds?: number;
  };
  code: number;
};

export class ApiFailure extends Error {
  readonly body: StatusBody;

  constructor(code: number, reason: string | undefined, message: string, details?: StatusBody['details']) {
    super(message);
    this.body = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

type Kind = { plural: string; group: string; kind: string };

function qualified({ plural, group }: Kind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

export function notFound(kind: Kind, name: string): ApiFailure {
  return new ApiFailure(404, 'NotFound', `${qualified(kind)} "${name}" not found`, {
    name,
    group: kind.group,
    kind: kind.plural,
  });
}

export function alreadyExists(kind: Kind, name: string): ApiFailure {
  return new ApiFailure(409, 'AlreadyExists', `${qualified(kind)} "${name}" already exists`, {
    name,
    group: kind.group,
    kind: kind.plural,
  });
}

export function conflict(kind: Kind, name: string, why: string): ApiFailure {
  return new ApiFailure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`, {
    name,
    group: kind.group,
    kind: kind.plural,
  });
}

export type FieldProblem = {
  field: string;
  /** Such as `Required value` or `Invalid value: -1: must be greater than or equal to 0`. */
  message: string;
};

const fieldReasons: Record<string, string> = {
  'Required value': 'FieldValueRequired',
  'Duplicate value': 'FieldValueDuplicate',
  'Unsupported value': 'FieldValueNotSupported',
  'Not found': 'FieldValueNotFound',
  'Too long': 'FieldValueTooLong',
  Forbidden: 'FieldValueForbidden',
};

export function invalid(kind: Kind, name: string, field: string, message: string): ApiFailure {
  return invalidFields(kind, name, [{ field, message }]);
}

/** 422 with one cause for each field. */
export function invalidFields(kind: Kind, name: string, problems: FieldProblem[]): ApiFailure {
  const texts = problems.map(({ field, message }) => `${field}: ${message}`);
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const title = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  return new ApiFailure(422, 'Invalid', `${title} "${name}" is invalid: ${list}`, {
    name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.kind,
    causes: problems.map(({ field, message }) => ({
      reason: fieldReasons[message.split(':')[0] ?? ''] ?? 'FieldValueInvalid',
      message,
      field,
    })),
  });
}

export function badRequest(message: string): ApiFailure {
  return new ApiFailure(400, 'BadRequest', message);
}

export function expired(message: string): ApiFailure {
  return new ApiFailure(410, 'Expired', message);
}

/** The answer to a delete or an accepted eviction. */
export function success(details?: StatusBody['details']): StatusBody {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(details === undefined ? {} : { details }),
    code: 200,
  };
}
