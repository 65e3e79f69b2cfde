/** Priority classes: which pods the scheduler serves first, and whom it may send away for them. */
import { ApiFailure } from './failure.ts';
import type { KubeObject } from './objects.ts';
import type { Store } from './store.ts';

type PriorityClass = KubeObject & { value: number; globalDefault?: boolean; preemptionPolicy?: string };

const system = [
  [
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ],
  [
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ],
] as const;

/** Creates the two classes that every cluster has. */
export function seedPriorityClasses(store: Store): void {
  for (const [name, value, description] of system) {
    const priorityClass = {
      metadata: { name, generation: 1 },
      value,
      description,
      preemptionPolicy: 'PreemptLowerPriority',
    };
    store.create('priorityclasses', priorityClass);
  }
}

/** A pod's spec with the priority that its class gives. Throws 403 for a class that does not exist. */
export function withPriority<S extends { priorityClassName?: string }>(
  store: Store,
  spec: S,
  pod: string,
): S & { priority: number; preemptionPolicy: string } {
  const classes = store.list('priorityclasses') as PriorityClass[];
  const { priorityClassName } = spec;
  const found = priorityClassName
    ? classes.find(({ metadata }) => metadata.name === priorityClassName)
    : classes.find(({ globalDefault }) => globalDefault === true);
  if (priorityClassName && found === undefined) {
    throw new ApiFailure(
      403,
      'Forbidden',
      `pods "${pod}" is forbidden: no PriorityClass with name ${priorityClassName} was found`,
    );
  }
  return {
    ...spec,
    ...(found === undefined ? {} : { priorityClassName: found.metadata.name }),
    priority: found?.value ?? 0,
    preemptionPolicy: found?.preemptionPolicy ?? 'PreemptLowerPriority',
  };
}
