import { describe, expect, it } from 'vitest';
import type { FirmwareImage } from '../../src/core/fleet.ts';
import { type PathRequest, versionPath } from '../../src/planning/version-path.ts';

const model = 'PowerEdge R750';

function image(version: string, more: Partial<FirmwareImage> = {}): FirmwareImage {
  const source = { file: `/images/${version}` };
  return { id: version, vendor: 'dell', models: [model], component: 'bios', version, source, sha256: '', ...more };
}

function path(request: Partial<PathRequest> & Pick<PathRequest, 'have' | 'wanted'>): string {
  const found = versionPath({ stones: [], model, downgrade: false, ...request });
  return 'refused' in found
    ? found.refused
    : [...found.images.map(each => each.version), ...(found.downgrade ? ['back'] : []), ...found.warnings].join(' ');
}

describe('the way to a wanted version', () => {
  it('is the image itself where nothing speaks against it', () => {
    expect(path({ have: '1.8.2', wanted: image('1.12.1') })).toBe('1.12.1');
    expect(path({ have: '1.8.2', wanted: image('1.12.1', { needs: '1.8.2' }) })).toBe('1.12.1');
  });

  it('goes back, or where nobody knows, only where that was asked for', () => {
    const wanted = image('1.7.5');
    expect(path({ have: '1.8.2', wanted })).toContain('would be a downgrade');
    expect(path({ have: '1.8.2-beta', wanted })).toContain('may be a downgrade');
    expect(path({ have: '1.8.2', wanted, downgrade: true })).toMatch(/^1.7.5 back goes back: bios 1.8.2 → 1.7.5/);
    expect(path({ have: '1.8.2-beta', wanted, downgrade: true })).toMatch(/^1.7.5 back goes back/);
  });

  it('goes back no further than the vendor of what runs lets it', () => {
    const stones = [image('1.8.2', { backTo: '1.7.9' }), image('1.8.2', { component: 'bmc', backTo: '1.8.2' })];
    expect(path({ have: '1.8.2', wanted: image('1.7.5'), stones, downgrade: true })).toContain('1.7.9 at most');
    expect(path({ have: '1.8.2', wanted: image('1.7.9'), stones, downgrade: true })).toMatch(/^1.7.9 back/);
    expect(path({ have: '1.8.2', wanted: image('1.8.0'), stones, downgrade: true })).toMatch(/^1.8.0 back/);
  });

  const wanted = image('1.12.1', { needs: '1.10.0' });

  it('goes by stepping stones, each the newest that installs over the one before', () => {
    const stones = [
      image('1.9.0'),
      image('1.11.0', { needs: '1.10.0' }),
      image('1.10.0', { needs: '1.8.0' }),
      image('1.10.5', { vendor: 'hpe' }),
      image('1.10.6', { models: ['another'] }),
      image('1.10.7', { component: 'bmc' }),
      image('1.13.0'),
      wanted,
    ];
    expect(path({ have: '1.8.2', wanted, stones })).toBe('1.10.0 1.12.1');
    expect(path({ have: '1.7.0', wanted, stones })).toBe('1.9.0 1.10.0 1.12.1');
    expect(path({ have: '1.10.0', wanted, stones })).toBe('1.12.1');
  });

  it('ends where the catalogue has no stone, or the one image was named', () => {
    expect(path({ have: '1.8.2', wanted, stones: [wanted] })).toContain('no image for the way there');
    expect(path({ have: '1.8.2', wanted })).toContain('needs at least 1.10.0, has 1.8.2: flash that first');
    expect(path({ have: '1.8.2-beta', wanted, downgrade: true })).toContain('needs at least');
  });
});
