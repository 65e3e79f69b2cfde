/** The anchors that the configuration names. Another kind is another folder entry here and a case there. */
import type { Anchor } from '../../core/anchor.ts';
import { fileAnchor } from './file-anchor.ts';
import { type GitAnchorOptions, gitAnchor } from './git-anchor.ts';

export type AnchorSettings = { file: string } | { git: GitAnchorOptions };

export function openAnchors(settings: AnchorSettings[]): Anchor[] {
  return settings.map(each => ('file' in each ? fileAnchor(each.file) : gitAnchor(each.git)));
}
