/** What a database takes: it refuses zero bytes and halves of characters, which machines leave in their texts. */

/** Without either, as firmware leaves them in a fixed field. */
export function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** A JSON value whose texts are such. */
export function storableCopy<T>(value: T): T {
  return JSON.parse(storableJson(value)) as T;
}

/** JSON whose texts are such. */
export function storableJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? storable(part) : part));
}
