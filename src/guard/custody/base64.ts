/** Strict base64: a signed text must have one spelling only, and Node's own decoder skips what it does not know. */

/** The decoded bytes, or undefined unless `text` is exactly their standard padded encoding. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
