/** One read for the whole fleet; a failed one is tried again. */
export function once<T>(read: () => Promise<T>): () => Promise<T> {
  let held: Promise<T> | undefined;
  return () => {
    held ??= read().catch(error => {
      held = undefined;
      throw error;
    });
    return held;
  };
}
