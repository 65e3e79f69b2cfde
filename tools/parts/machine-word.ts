/** One word that a machine chose, such as a reason or a version, where it must stand among words of ours. */

const word = /^[A-Za-z0-9][\w.+/-]{0,62}$/;

/** The word, or that it was none: a sentence has no place outside an `untrusted` block. */
export function machineWord(text: string): string {
  return word.test(text) ? text : '(unreadable)';
}
