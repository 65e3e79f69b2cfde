/** The image listener as operations see it: one unguessable address per operation and node, and a log of who fetched. */
import type { ImageFetch } from './records.ts';

export type ImageOffers = {
  /**
   * Checks the image's SHA-256 and gives the address that this one BMC may
   * fetch it from; the same address again after a restart. Throws
   * `image_invalid` when the bytes are not what the plan says.
   */
  offer(want: {
    operation: string;
    node: string;
    site: string;
    image: string;
    sha256: string;
    bmcUrl: string;
  }): Promise<{ url: string; token: string }>;
  /** Every fetch of the address, refused ones included; recorded before the first byte is sent. */
  fetches(token: string): Promise<ImageFetch[]>;
  /** Closes the node's address: nothing is fetched from it any more. */
  withdraw(from: { operation: string; node: string }): Promise<void>;
};
