/**
 * Whether a BMC and a Kubernetes node speak of one machine. The same SMBIOS
 * bytes are read in two orders: some firmware shows the first three fields of
 * the UUID little-endian.
 */

const uuidForm = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4}-[0-9a-f]{12})$/;
/** Boards whose UUID was never written all say this: it identifies nothing. */
const blank = /^(0+|f+)$/;

/** True when both are well-formed, not blank, and equal in either byte order, ignoring case. */
export function sameMachine(redfishUuid: string, systemUuid: string): boolean {
  const a = redfishUuid.toLowerCase();
  const b = systemUuid.toLowerCase();
  if (!identifies(a) || !identifies(b)) return false;
  return a === b || swapped(a) === b;
}

function identifies(uuid: string): boolean {
  return uuidForm.test(uuid) && !blank.test(uuid.replaceAll('-', ''));
}

function swapped(uuid: string): string {
  const [, low = '', mid = '', high = '', rest = ''] = uuidForm.exec(uuid) ?? [];
  return `${reversed(low)}-${reversed(mid)}-${reversed(high)}-${rest}`;
}

function reversed(hex: string): string {
  return (hex.match(/../g) ?? []).reverse().join('');
}
