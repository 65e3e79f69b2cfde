/**
 * What message ids mean, whoever sends them. Ids are matched and never words:
 * words change with the firmware's language, and anybody may have written them.
 */

/**
 * `not-now`: nothing was done, and the same request may pass in a moment. `in-update-mode`: it holds an image that somebody
 * sent and never let it write, and takes no other until it restarts.
 */
type Meaning = 'no-session-left' | 'unlicensed' | 'bad-credential' | 'not-now' | 'not-understood' | 'in-update-mode';

const table: Record<Meaning, RegExp> = {
  'no-session-left': /SessionLimitExceeded|CreateLimitReachedForResource|MaximumSessions|RAC0218/i,
  unlicensed: /Licen[sc]e|\bLIC\d/i,
  'bad-credential':
    /Unauthorized|NoValidSession|InvalidCredential|AuthenticationFail|AccountLocked|InsufficientPrivilege/i,
  'not-now':
    /SYS518|UnableToModifyDuringSystemPOST|ServiceTemporarilyUnavailable|ServiceInUnknownState|ServiceShuttingDown/i,
  'not-understood': /MalformedJSON|UnrecognizedRequestBody|EmptyJSON|PropertyMissing|PropertyUnknown|PropertyValue/i,
  'in-update-mode': /InUpdateMode/i,
};

export function says(ids: string[], meaning: Meaning): boolean {
  return ids.some(id => table[meaning].test(id));
}
