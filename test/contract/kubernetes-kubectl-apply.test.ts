import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KubectlScene, kubectlIsMissing, kubectlScene, kubectlTitle } from '../support/kubectl-scene.ts';
import { until } from '../support/kubernetes-lab.ts';

type Change = { replicas?: number; image?: string; labels?: Record<string, string>; selector?: string };

type Written = { metadata: { name: string }; spec: object };

/** A workload as somebody writes it into a file. */
function workload(kind: string, name: string, change: Change = {}) {
  const { replicas, image = 'registry.lab.test/cart:1.0.0', labels = {}, selector = name } = change;
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop', labels: { app: name, ...labels } },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: { app: selector } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 8080 }] }] },
      },
    },
  };
}

describe.skipIf(kubectlIsMissing)(kubectlTitle('kubectl apply'), () => {
  let scene: KubectlScene;
  let kubectl: KubectlScene['kubectl'];
  const apply = async (object: Written, ...more: string[]) =>
    kubectl('apply', '-f', await scene.manifest(object.metadata.name, object), ...more);
  const tryApply = async (object: Written, ...more: string[]) =>
    scene.tryKubectl('apply', '-f', await scene.manifest(object.metadata.name, object), ...more);
  const deployment = async (name: string) =>
    (await scene.raw(`/apis/apps/v1/namespaces/shop/deployments/${name}`)).body;

  beforeAll(async () => {
    scene = await kubectlScene('127.61.0.22');
    kubectl = scene.kubectl;
  });
  afterAll(() => scene.close());

  it('creates, leaves and changes a Deployment, with validation on, and its rollout ends', async () => {
    expect(await apply(workload('Deployment', 'cart', { replicas: 2 }))).toBe('deployment.apps/cart created\n');
    expect(await apply(workload('Deployment', 'cart', { replicas: 2 }))).toBe('deployment.apps/cart unchanged\n');
    const next = workload('Deployment', 'cart', { replicas: 3, image: 'registry.lab.test/cart:1.1.0' });
    expect(await apply(next)).toBe('deployment.apps/cart configured\n');
    const rollout = await kubectl('-n', 'shop', 'rollout', 'status', 'deployment/cart', '--timeout=40s');
    expect(rollout).toContain('deployment "cart" successfully rolled out');
    const images = await kubectl(
      '-n',
      'shop',
      'get',
      'pods',
      '-l',
      'app=cart',
      '-o',
      'jsonpath={..containers[*].image}',
    );
    expect(images.split(' ')).toContain('registry.lab.test/cart:1.1.0');
    expect(await kubectl('-n', 'shop', 'get', 'deploy', 'cart')).toMatch(/cart\s+3\/3\s+3\s+3/);
  });

  it('takes away what the file no longer says, and leaves what others set', async () => {
    await apply(workload('Deployment', 'tidy', { labels: { team: 'a' } }));
    await kubectl('-n', 'shop', 'label', 'deploy', 'tidy', 'other=kept');
    await apply(workload('Deployment', 'tidy'));
    expect((await deployment('tidy')).metadata?.labels).toEqual({ app: 'tidy', other: 'kept' });
  });

  it('creates the other workloads and a budget', async () => {
    expect(await apply(workload('StatefulSet', 'ledger-2', { replicas: 1 }))).toContain(
      'statefulset.apps/ledger-2 created',
    );
    expect(await apply(workload('DaemonSet', 'probe'))).toContain('daemonset.apps/probe created');
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'cart', namespace: 'shop' },
      spec: { maxUnavailable: '50%', selector: { matchLabels: { app: 'cart' } } },
    };
    expect(await apply(budget)).toBe('poddisruptionbudget.policy/cart created\n');
    expect(await kubectl('-n', 'shop', 'get', 'pdb', 'cart')).toMatch(/cart\s+N\/A\s+50%/);
    for (const name of ['statefulset/ledger-2', 'daemonset/probe']) {
      await kubectl('-n', 'shop', 'rollout', 'status', name, '--timeout=40s');
    }
  });

  it('is refused what is not valid, with every cause', async () => {
    const wrong = workload('Deployment', 'wrong', { selector: 'another', replicas: -1 });
    const { code, stderr } = await tryApply(wrong);
    expect(code).toBe(1);
    expect(stderr).toContain('The Deployment "wrong" is invalid:');
    expect(stderr).toContain('spec.replicas: Invalid value: -1: must be greater than or equal to 0');
    expect(stderr).toContain('`selector` does not match template `labels`');
    const misspelt = workload('Deployment', 'misspelt');
    const unknown = await tryApply({ ...misspelt, spec: { ...misspelt.spec, replcas: 2 } });
    expect(unknown.stderr).toContain('strict decoding error: unknown field "spec.replcas"');
    expect((await deployment('misspelt')).code).toBe(404);
  });

  it('may not change a selector', async () => {
    await apply(workload('Deployment', 'fixed'));
    const { metadata, spec, ...rest } = workload('Deployment', 'fixed');
    const labels = { app: 'other' };
    const template = { ...spec.template, metadata: { labels } };
    const moved = { ...rest, metadata, spec: { ...spec, selector: { matchLabels: labels }, template } };
    const { stderr } = await tryApply(moved);
    expect(stderr).toContain('The Deployment "fixed" is invalid: spec.selector: Invalid value:');
    expect(stderr).toContain('field is immutable');
  });

  it('on the server owns fields, and is refused those of another until it insists', async () => {
    const object = workload('Deployment', 'owned', { replicas: 2, labels: { mine: 'yes' } });
    expect(await apply(object, '--server-side')).toBe('deployment.apps/owned serverside-applied\n');
    const more = workload('Deployment', 'owned', { replicas: 3, labels: { mine: 'yes' } });
    const { code, stderr } = await tryApply(more, '--server-side', '--field-manager=other');
    expect(code).toBe(1);
    expect(stderr).toContain('error: Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas');
    await apply(more, '--server-side', '--field-manager=other', '--force-conflicts');
    expect((await deployment('owned')).spec?.replicas).toBe(3);
    const back = await tryApply(object, '--server-side');
    expect(back.stderr).toContain('conflict with "other": .spec.replicas');
  });

  it('on the server removes a field only when its last owner lets it go', async () => {
    const both = workload('Deployment', 'shared', { labels: { one: '1', two: '2' } });
    await apply(both, '--server-side', '--field-manager=first');
    await apply(workload('Deployment', 'shared', { labels: { one: '1' } }), '--server-side', '--field-manager=second');
    await apply(workload('Deployment', 'shared'), '--server-side', '--field-manager=first');
    expect((await deployment('shared')).metadata?.labels).toEqual({ app: 'shared', one: '1' });
    await apply(workload('Deployment', 'shared'), '--server-side', '--field-manager=second');
    expect((await deployment('shared')).metadata?.labels).toEqual({ app: 'shared' });
  });

  it('on the server meets the owners of plain writes, and moves client-side ownership over', async () => {
    await apply(workload('Deployment', 'moved', { replicas: 1 }));
    await kubectl('-n', 'shop', 'scale', 'deploy', 'moved', '--replicas=2');
    const { stderr } = await tryApply(workload('Deployment', 'moved', { replicas: 1 }), '--server-side');
    expect(stderr).toContain('conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas');
    await apply(workload('Deployment', 'moved', { replicas: 1 }), '--server-side', '--force-conflicts');
    const managers = await kubectl(
      ...['-n', 'shop', 'get', 'deploy', 'moved', '--show-managed-fields'],
      ...['-o', 'jsonpath={.metadata.managedFields[*].manager}'],
    );
    expect(managers).not.toContain('kubectl-client-side-apply');
    expect((await deployment('moved')).spec?.replicas).toBe(1);
  });

  it('of a custom resource works as soon as its definition is there', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'racks.lab.test' },
      spec: {
        group: 'lab.test',
        scope: 'Namespaced',
        names: { plural: 'racks', singular: 'rack', kind: 'Rack', shortNames: ['rk'] },
        versions: [
          {
            name: 'v1alpha1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            subresources: { status: {} },
            additionalPrinterColumns: [{ name: 'Units', type: 'integer', jsonPath: '.spec.units' }],
          },
        ],
      },
    };
    await apply(definition);
    await kubectl('wait', '--for=condition=Established', 'crd/racks.lab.test', '--timeout=20s');
    const rack = {
      apiVersion: 'lab.test/v1alpha1',
      kind: 'Rack',
      metadata: { name: 'r1', namespace: 'shop' },
      spec: { units: 42 },
    };
    expect(await apply(rack)).toBe('rack.lab.test/r1 created\n');
    expect(await apply({ ...rack, spec: { units: 40 } })).toBe('rack.lab.test/r1 configured\n');
    expect(await kubectl('-n', 'shop', 'get', 'rk')).toMatch(/NAME\s+UNITS\nr1\s+40/);
    const path = '/apis/lab.test/v1alpha1/namespaces/shop/racks/r1';
    const status = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } };
    await scene.raw(`${path}/status`, { ...status, body: { status: { full: true }, spec: { units: 1 } } });
    expect((await scene.raw(path)).body).toMatchObject({
      spec: { units: 40 },
      status: { full: true },
      metadata: { generation: 2 },
    });
    await kubectl('delete', 'crd', 'racks.lab.test', '--timeout=20s');
    await until('the kind is gone', async () => (await scene.raw(path)).status === 404);
    expect((await scene.raw('/apis/lab.test/v1alpha1')).status).toBe(404);
  });

  it('scales through the subresource, and says what it did', async () => {
    await apply(workload('Deployment', 'sized', { replicas: 1 }));
    expect(await kubectl('-n', 'shop', 'scale', 'deploy/sized', '--replicas=2')).toBe('deployment.apps/sized scaled\n');
    const scale = (await scene.raw('/apis/apps/v1/namespaces/shop/deployments/sized/scale')).body;
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 2 }, status: { selector: 'app=sized' } });
    const wrong = await scene.tryKubectl('-n', 'shop', 'scale', 'deploy/sized', '--replicas=3', '--current-replicas=7');
    expect(wrong.stderr).toContain('Expected replicas to be 7, was 2');
  });
});
