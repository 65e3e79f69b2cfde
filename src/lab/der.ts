/** The little of DER that certificates and certificate requests need, written and read. */

export function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

export function sequence(...contents: Buffer[]): Buffer {
  return der(0x30, ...contents);
}

export function oid(bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

export function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), bytes);
}

export function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

export function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The bytes of the first PEM block with this label, undefined when there is none. */
export function unpem(label: string, text: string): Buffer | undefined {
  const body = new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`).exec(text)?.[1];
  return body === undefined ? undefined : Buffer.from(body, 'base64');
}

export type DerValue = { tag: number; content: Buffer; whole: Buffer };

/** The values that lie one after the other in `bytes`. Throws RangeError where they do not. */
export function derValues(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    const first = bytes.readUInt8(at + 1);
    const width = first < 0x80 ? 0 : first & 0x7f;
    const length = width === 0 ? first : bytes.readUIntBE(at + 2, width);
    const start = at + 2 + width;
    if (start + length > bytes.length) throw new RangeError('a DER value ends after its container');
    values.push({ tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return values;
}
