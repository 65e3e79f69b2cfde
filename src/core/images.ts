/** The image listener as operations see it: one unguessable address per operation, node and image, and a log of who fetched. */
import type { ImageFetch } from './records.ts';

/** An image of the catalogue whose SHA-256 was checked when it was opened. */
export type ImageFile = {
  name: string;
  /** Bytes. */
  size: number;
  read(): AsyncIterable<Uint8Array>;
};

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
  /** The image itself, for a BMC that it is sent to. Throws `image_invalid` when the bytes are not what the plan says. */
  open(want: { image: string; sha256: string }): Promise<ImageFile>;
  /**
   * Proves, as far as it shows without any BMC fetching, that the site's listener can be reached by this BMC and has the
   * image. Throws `precondition_failed` or `image_invalid`.
   */
  proveReachable(want: { site: string; image: string; sha256: string; bmcUrl: string }): Promise<void>;
  /** Every fetch of the address, refused ones included; recorded before the first byte is sent. */
  fetches(token: string): Promise<ImageFetch[]>;
  /** Closes the node's addresses: nothing is fetched from them any more. */
  withdraw(from: { operation: string; node: string }): Promise<void>;
};
