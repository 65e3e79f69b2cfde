/** Commands for people to copy. What a name holds must not become another command. */

/** `kubectl`, with `-n` where the object has a namespace, and each word quoted where a shell would read more into it. */
export function kubectl(namespace: string, ...words: string[]): string {
  const scope = namespace === '' ? [] : ['-n', namespace];
  return ['kubectl', ...scope, ...words].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^(?:[\w./:=-]+|<node>)$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
