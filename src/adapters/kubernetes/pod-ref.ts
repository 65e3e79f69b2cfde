/** Which pod is meant: a name may have passed to another, and only the uid tells. */
import type { Reach } from './reach.ts';
import { foundOrNot, ofKind, read } from './reading.ts';

type PodName = { namespace: string; name: string };
export type PodRef = PodName & { uid: string };

/** For error messages. */
export function podSubject({ namespace, name }: PodName): string {
  return `pod ${namespace}/${name}`;
}

/** Of the pod that has this name now; undefined where none has. */
export async function podUid(reach: Reach, { namespace, name }: PodName): Promise<string | undefined> {
  const context = reach.context(podSubject({ namespace, name }));
  const call = async () => ofKind('Pod', await reach.core.readNamespacedPod({ namespace, name }));
  return (await foundOrNot(read(context, call)))?.metadata?.uid;
}
