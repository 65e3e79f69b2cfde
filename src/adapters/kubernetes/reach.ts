/** What a reader of one kind of evidence needs of an open cluster. */
import type { ApisApi, AppsV1Api, CoreV1Api, CustomObjectsApi } from '@kubernetes/client-node';
import type { Connection } from './connection.ts';
import type { CallContext } from './failures.ts';

export type Reach = {
  connection: Connection;
  core: CoreV1Api;
  apps: AppsV1Api;
  groups: ApisApi;
  custom: CustomObjectsApi;
  /** Names a read for error messages. */
  context(subject: string): Omit<CallContext, 'access'>;
};
