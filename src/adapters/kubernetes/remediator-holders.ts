/** For whom of us a remediator is paused, as its object says. */
import { pauseHolders } from '../../core/cluster-marks.ts';

export function holdersIn(annotations: Record<string, string>): string[] {
  return (annotations[pauseHolders] ?? '').split(',').filter(holder => holder !== '');
}

const request = 'groundskeeper works on a node: ';

/** What stands in a list of requests to pause, one for each holder. */
export function requestOf(holder: string): string {
  return `${request}${holder}`;
}

export function holderIn(text: string): string | undefined {
  return text.startsWith(request) ? text.slice(request.length) : undefined;
}
