/** What needs a Slack has one, and who people are there: no two by one member, or one person could vote as two. */
import type { LooseDocument } from './loose-document.ts';
import { type ConfigPath, type Problems, showFound, showPath } from './problems.ts';

export function checkSlack(document: LooseDocument, raw: unknown, problems: Problems): void {
  const configured = typeof raw === 'object' && raw !== null && 'slack' in raw;
  if (!configured) {
    const hint = 'Name its workspace and tokens under slack, at the top of the file.';
    const places = [
      ...document.custody.anchors.map((each, index) => ({ ...each, path: ['custody', 'anchors', index, 'slack'] })),
      ...document.digests.flatMap(({ to }, digest) =>
        to.map((each, index) => ({ ...each, path: ['digests', digest, 'to', index, 'slack'] })),
      ),
    ];
    for (const { slack, path } of places)
      if (slack !== undefined) problems.add(path, { expected: 'a Slack that this channel is in', found: 'none', hint });
  }
  const first = new Map<string, ConfigPath>();
  for (const [index, { slack }] of document.people.entries()) {
    if (slack === undefined) continue;
    const path = ['people', index, 'slack'];
    if (!configured) {
      const hint = 'Name its workspace and tokens under slack, at the top of the file.';
      problems.add(path, { expected: 'a Slack to know this member by', found: 'none', hint });
    }
    const earlier = first.get(slack);
    if (!earlier) first.set(slack, path);
    else {
      const hint = `The same member stands at ${showPath(earlier)}.`;
      problems.add(path, { expected: 'a member that is linked once', found: showFound(slack, path), hint });
    }
  }
}
