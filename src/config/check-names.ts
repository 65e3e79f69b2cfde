/** Names: each used once, whatever its letter case, and each reference to one that exists. */
import { isServiceName } from '../core/fleet.ts';
import { nameForm } from './document-fields.ts';
import { type LooseDocument, looseNodes } from './loose-document.ts';
import { type ConfigPath, type Problems, showFound, showPath } from './problems.ts';

type Named = { name: string | undefined; path: ConfigPath };

export function checkNames(document: LooseDocument, problems: Problems): void {
  checkDuplicates(document, problems);
  checkServiceName(document, problems);
  checkReferences(document, problems);
  for (const [index, { name }] of document.sites.entries())
    if (name?.toLowerCase() === 'site')
      problems.add(['sites', index, 'name'], {
        expected: 'another name: in policies, site:<group> means the group of each site',
        found: showFound(name, ['sites', index, 'name']),
      });
  for (const key of Object.keys(document.credentials)) {
    if (nameForm.test(key)) continue;
    const expected = 'a name of a-z, 0-9 and -, at most 63 long (RFC 1123)';
    problems.add(['credentials', key], { expected, found: 'another name' });
  }
  const { people, directory, oidc } = document;
  const groups = [...people.flatMap(person => person.groups), ...directory.accept, ...oidc.groups.accept];
  if (!groups.includes('operators')) {
    const hint = 'Add groups: [operators] to those who may change the fleet and vote.';
    problems.add(['people'], { expected: 'at least one person in the group operators', found: 'none', hint });
  }
}

/** Whoever had the program's own name or group would have its rights, and its word in the record. */
function checkServiceName({ people, directory, oidc }: LooseDocument, problems: Problems): void {
  const taken = people.flatMap(({ name, groups }, index) => [
    { name, path: ['people', index, 'name'] },
    ...groups.map((group, at) => ({ name: group, path: ['people', index, 'groups', at] })),
  ]);
  taken.push(...directory.accept.map((group, at) => ({ name: group, path: ['directory', 'accept', at] })));
  taken.push(...oidc.groups.accept.map((group, at) => ({ name: group, path: ['oidc', 'groups', 'accept', at] })));
  for (const { name, path } of taken)
    if (name !== undefined && isServiceName(name))
      problems.add(path, { expected: 'another name: this one is the program itself', found: showFound(name, path) });
}

function checkDuplicates(document: LooseDocument, problems: Problems): void {
  const { people, firmware, baselines, sites, rollout, digests } = document;
  const clusters = sites.flatMap((site, s) =>
    site.clusters.map(({ name }, c) => ({ name, path: ['sites', s, 'clusters', c, 'name'] })),
  );
  const kinds: Named[][] = [
    people.map(({ name }, index) => ({ name, path: ['people', index, 'name'] })),
    firmware.map(({ id }, index) => ({ name: id, path: ['firmware', index, 'id'] })),
    baselines.map(({ name }, index) => ({ name, path: ['baselines', index, 'name'] })),
    sites.map(({ name }, index) => ({ name, path: ['sites', index, 'name'] })),
    clusters,
    looseNodes(document).map(({ node, path }) => ({ name: node.name, path: [...path, 'name'] })),
    rollout.gates.map(({ name }, index) => ({ name, path: ['rollout', 'gates', index, 'name'] })),
    digests.map(({ name }, index) => ({ name, path: ['digests', index, 'name'] })),
  ];
  for (const names of kinds) checkUnique(names, problems);
}

function checkUnique(names: Named[], problems: Problems): void {
  const first = new Map<string, ConfigPath>();
  for (const { name, path } of names) {
    if (name === undefined) continue;
    const key = name.toLowerCase();
    const earlier = first.get(key);
    if (!earlier) first.set(key, path);
    else {
      const hint = `The same name stands at ${showPath(earlier)}.`;
      problems.add(path, { expected: 'a name that is used once', found: showFound(name, path), hint });
    }
  }
}

function checkReferences(document: LooseDocument, problems: Problems): void {
  const images = new Set(document.firmware.map(image => image.id));
  const baselines = new Set(document.baselines.map(baseline => baseline.name));
  const refer = (name: string | undefined, path: ConfigPath, exists: (name: string) => boolean, what: string) => {
    if (name === undefined || exists(name)) return;
    problems.add(path, { expected: `the name of an entry under ${what}`, found: showFound(name, path) });
  };
  for (const { node, path } of looseNodes(document)) {
    const { credential } = node.server.bmc;
    const exists = (name: string) => Object.hasOwn(document.credentials, name);
    refer(credential, [...path, 'server', 'bmc', 'credential'], exists, 'credentials');
  }
  for (const [index, site] of document.sites.entries()) {
    refer(site.baseline, ['sites', index, 'baseline'], name => baselines.has(name), 'baselines');
  }
  const sites = new Set(document.sites.map(site => site.name));
  for (const [index, gate] of document.rollout.gates.entries()) {
    for (const [position, site] of gate.sites.entries())
      refer(site, ['rollout', 'gates', index, 'sites', position], name => sites.has(name), 'sites');
  }
  for (const [index, digest] of document.digests.entries()) {
    for (const [position, site] of digest.sites.entries())
      refer(site, ['digests', index, 'sites', position], name => sites.has(name), 'sites');
  }
  for (const [index, baseline] of document.baselines.entries()) {
    for (const [position, id] of baseline.images.entries()) {
      refer(id, ['baselines', index, 'images', position], name => images.has(name), 'firmware');
    }
    checkBaseline(document, index, problems);
  }
}

/** Two images for one model and component would contradict each other; drives of several models each have their own. */
function checkBaseline({ baselines, firmware }: LooseDocument, index: number, problems: Problems): void {
  const wanted = new Map<string, string>();
  for (const [position, id] of (baselines[index]?.images ?? []).entries()) {
    const image = firmware.find(candidate => id !== undefined && candidate.id === id);
    const parts = image?.component === 'drive' ? image.drives.map(drive => `drive ${drive}`) : [image?.component];
    const places = (image?.models ?? []).flatMap(model => parts.map(part => `${part} of ${model}`));
    for (const place of places) {
      const other = wanted.get(place);
      if (other === undefined) wanted.set(place, id ?? '');
      else {
        const path = ['baselines', index, 'images', position];
        const hint = `It and ${other} are both for ${place}.`;
        problems.add(path, { expected: 'one image per model and component', found: showFound(id, path), hint });
      }
    }
  }
}
