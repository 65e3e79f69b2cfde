/** What a BMC answers: plain data until the server writes it, so that faults can still change how it leaves. */
import type { BmcProfile } from './profiles/profile.ts';

export type Body = Record<string, unknown>;
export type Reply = {
  status: number;
  body?: Body;
  headers?: Record<string, string>;
  /** Instead of a body: gets what to send each piece with, and answers how to end. */
  stream?: (send: (text: string) => void) => () => void;
  /** To be called once the answer is out. */
  after?: () => void;
};

const problems = {
  NoValidSession: 'There is no valid session established with the implementation.',
  ResourceAtUriUnauthorized: 'Access to the requested resource was denied: the credentials are not valid.',
  ResourceMissingAtURI: 'The resource at the requested address was not found.',
  OperationNotAllowed: 'The method is not allowed on this resource.',
  MalformedJSON: 'The request body could not be read as JSON.',
  PropertyMissing: 'A required property is missing from the request: %1.',
  PropertyUnknown: 'The resource has no such property: %1.',
  PropertyNotWritable: 'The property cannot be written: %1.',
  PropertyValueNotInList: 'The value of this property is not one of its allowed values: %1.',
  PropertyValueTypeError: 'The value of this property has the wrong type: %1.',
  PropertyValueOutOfRange: 'The value of this property is out of range: %1.',
  PropertyValueFormatError: 'The value of this property cannot be used: %1.',
  CreateLimitReachedForResource: 'No further resource of this kind can be created.',
  CouldNotEstablishConnection: 'The service could not reach the address that it was given: %1.',
  PreconditionRequired: 'The request must carry an ETag in If-Match.',
  ServiceTemporarilyUnavailable: 'The service is temporarily unavailable. Retry in %1 seconds.',
  ActionParameterMissing: 'A required parameter of the action is missing: %1.',
  ActionParameterNotSupported: 'The action does not take this parameter or value: %1.',
  ActionParameterValueFormatError: 'The value of this parameter cannot be used: %1.',
  PreconditionFailed: 'The ETag that was sent does not match the resource.',
  ResourceInUse: 'The resource cannot change now: it is in use.',
  NoOperation: 'The request asks for what is already so.',
  SessionLimitExceeded: 'The number of simultaneous sessions has reached the limit.',
  QueryNotSupportedOnResource: 'The resource does not support this query parameter: %1.',
  GeneralError: 'The service could not perform the request.',
} as const;

export type Problem = keyof typeof problems;
/** Why something that was asked for cannot be, and which part of the request is to blame. */
export type Refusal = { name: Problem; about: string };

/** An error answer with extended info, message id in the vendor's registry version. */
export function problem(profile: BmcProfile, status: number, name: Problem, ...args: string[]): Reply {
  const message = problems[name].replace('%1', args[0] ?? '');
  return vendorProblem({ status, messageId: `${profile.baseRegistry}.${name}`, message, args });
}

export type VendorProblem = {
  status: number;
  messageId: string;
  message: string;
  args?: string[];
  /** Seconds. */
  retryAfter?: number;
};

/** An error answer with a vendor's own message id. */
export function vendorProblem(fields: VendorProblem): Reply {
  const { status, messageId, message, args = [], retryAfter } = fields;
  const info = {
    '@odata.type': '#Message.v1_1_1.Message',
    MessageId: messageId,
    Message: message,
    MessageArgs: args,
    MessageSeverity: 'Critical',
    Resolution: 'Correct the request, or wait until the condition is over, and send it again.',
  };
  return {
    status,
    body: {
      error: {
        code: messageId,
        message: 'See @Message.ExtendedInfo for details.',
        '@Message.ExtendedInfo': [info],
      },
    },
    ...(retryAfter === undefined ? {} : { headers: { 'Retry-After': String(retryAfter) } }),
  };
}

export function link(uri: string): { '@odata.id': string } {
  return { '@odata.id': uri };
}

/** A resource collection that links to its members. */
export function collection(fields: { uri: string; type: string; name: string; members: string[] }): Body {
  return {
    '@odata.id': fields.uri,
    '@odata.type': `#${fields.type}.${fields.type}`,
    Name: fields.name,
    Members: fields.members.map(link),
    'Members@odata.count': fields.members.length,
  };
}
