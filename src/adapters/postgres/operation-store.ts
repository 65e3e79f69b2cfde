/** Operations and effects in Postgres; every change of state is a compare-and-set. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type ErrorCode, FleetError } from '../../core/errors.ts';
import {
  hasEnded,
  type NodeState,
  type Operation,
  type OperationEvent,
  type OperationHead,
  type OperationNode,
  type OperationState,
} from '../../core/operation.ts';
import type { PlanKind } from '../../core/plan.ts';
import type { EffectRow, EffectState, EffectStore, OperationStore } from '../../core/records.ts';
import type { Tables } from './schema.ts';

type Db = Kysely<Tables>;

function json(value: unknown): string {
  return JSON.stringify(value ?? null);
}

type OperationRow = Selectable<Tables['operation']>;
type NodeRow = Selectable<Tables['operation_node']>;

function headOf(row: OperationRow): OperationHead {
  return {
    id: row.id,
    plan: row.plan,
    digest: row.digest,
    kind: row.kind as PlanKind,
    site: row.site,
    cluster: row.cluster,
    state: row.state as OperationState,
    reason: row.reason,
    requester: row.requester,
    channel: row.channel,
    approval: row.approval ?? undefined,
    cancelRequestedBy: row.cancel_requested_by ?? undefined,
    revoked: row.revoked,
    executeUntil: row.execute_until.toISOString(),
    pausedBy: row.paused_by ?? undefined,
    advancedTo: row.advanced_to ?? undefined,
    halting: row.halting ?? undefined,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString(),
  };
}

function partOf(row: NodeRow): OperationNode {
  return {
    node: row.node,
    site: row.site,
    cluster: row.cluster,
    wave: row.wave,
    state: row.state as NodeState,
    step: row.step,
    message: row.message,
    code: (row.code as ErrorCode | null) ?? undefined,
    stepSince: row.step_since?.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function operationStore(db: Db): OperationStore {
  const complete = async (head: OperationHead): Promise<Operation> => {
    const nodes = await db
      .selectFrom('operation_node')
      .selectAll()
      .where('operation', '=', head.id)
      .orderBy('wave')
      .orderBy('node')
      .execute();
    return { ...head, nodes: nodes.map(partOf) };
  };
  return {
    async insert(operation, nodes) {
      const inserted = await db
        .insertInto('operation')
        .values({
          id: operation.id,
          plan: operation.plan,
          digest: operation.digest,
          kind: operation.kind,
          site: operation.site,
          cluster: operation.cluster,
          state: operation.state,
          reason: operation.reason,
          requester: operation.requester,
          channel: operation.channel,
          approval: operation.approval ?? null,
          cancel_requested_by: null,
          revoked: false,
          execute_until: new Date(operation.executeUntil),
          paused_by: null,
          advanced_to: null,
          halting: null,
          created_at: new Date(operation.createdAt),
          ended_at: null,
        })
        .onConflict(conflict => conflict.doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows !== 1n) return false;
      const rows = nodes.map(node => ({
        operation: operation.id,
        ...node,
        state: 'waiting',
        step: '',
        message: '',
        code: null,
        step_since: null,
      }));
      await db.insertInto('operation_node').values(rows).execute();
      return true;
    },
    async get(id) {
      return complete(await this.head(id));
    },
    async head(id) {
      const row = await db.selectFrom('operation').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row)
        throw new FleetError({
          code: 'not_found',
          message: `there is no operation ${id}`,
          hint: 'groundskeeper list-operations',
        });
      return headOf(row);
    },
    async part(id, node) {
      const row = await db
        .selectFrom('operation_node')
        .selectAll()
        .where('operation', '=', id)
        .where('node', '=', node)
        .executeTakeFirst();
      return row && partOf(row);
    },
    async list({ open, limit }) {
      let query = db.selectFrom('operation').selectAll().orderBy('created_at', 'desc').limit(limit);
      if (open) query = query.where('state', 'in', ['queued', 'running']);
      return Promise.all((await query.execute()).map(row => complete(headOf(row))));
    },
    async transition(id, from, to, reason) {
      const result = await db
        .updateTable('operation')
        .set({ state: to, reason, ...(hasEnded(to) ? { ended_at: new Date() } : {}) })
        .where('id', '=', id)
        .where('state', 'in', from)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async requestCancel(id, person, { revoked } = { revoked: false }) {
      const result = await db
        .updateTable('operation')
        .set({ cancel_requested_by: person, revoked })
        .where('id', '=', id)
        .where('cancel_requested_by', 'is', null)
        .where('state', 'in', ['queued', 'running'])
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async requestHalt(id, reason) {
      const result = await db
        .updateTable('operation')
        .set({ halting: reason })
        .where('id', '=', id)
        .where('halting', 'is', null)
        .where('state', 'in', ['queued', 'running'])
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async nodesAtWork() {
      const rows = await db
        .selectFrom('operation_node')
        .innerJoin('operation', 'operation.id', 'operation_node.operation')
        .select('operation_node.node')
        .distinct()
        .where('operation.state', 'in', ['queued', 'running'])
        .where('operation_node.state', '=', 'running')
        .execute();
      return rows.map(({ node }) => node);
    },
    async setPaused(id, pausedBy) {
      const result = await db
        .updateTable('operation')
        .set({ paused_by: pausedBy })
        .where('id', '=', id)
        .where('paused_by', pausedBy === null ? 'is not' : 'is', null)
        .where('state', 'in', ['queued', 'running'])
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async advance(id, wave) {
      const result = await db
        .updateTable('operation')
        .set({ advanced_to: wave })
        .where('id', '=', id)
        .where(eb => eb.or([eb('advanced_to', 'is', null), eb('advanced_to', '<', wave)]))
        .where('state', 'in', ['queued', 'running'])
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    async setNode(id, { node, ...values }) {
      await db
        .updateTable('operation_node')
        .set(eb => ({
          ...values,
          // What is told of a step meanwhile does not make it young again.
          step_since: eb
            .case()
            .when(eb.and([eb('step', '=', values.step), eb('step_since', 'is not', null)]))
            .then(eb.ref('step_since'))
            .else(new Date())
            .end(),
          updated_at: new Date(),
        }))
        .where('operation', '=', id)
        .where('node', '=', node)
        .execute();
    },
    async setNodes(id, nodes) {
      await sql`
        update operation_node set state = told.state, step = told.step, message = told.message, updated_at = now(),
          step_since = case when operation_node.step = told.step and step_since is not null then step_since else now() end
        from jsonb_to_recordset(${json(nodes)}::jsonb) as told (node text, state text, step text, message text)
        where operation_node.operation = ${id} and operation_node.node = told.node`.execute(db);
    },
    async addEvent(id, key, event) {
      await db
        .insertInto('operation_event')
        .values({ operation: id, key, ...event, node: event.node ?? null })
        .onConflict(conflict => conflict.doNothing())
        .execute();
    },
    async events(id, after) {
      const rows = await db
        .selectFrom('operation_event')
        .selectAll()
        .where('operation', '=', id)
        .where('seq', '>', after)
        .orderBy('seq')
        .execute();
      return rows.map(row => ({
        seq: Number(row.seq),
        time: row.time.toISOString(),
        node: row.node ?? undefined,
        step: row.step,
        status: row.status as OperationEvent['status'],
        message: row.message,
      }));
    },
  };
}

type StoredEffect = Selectable<Tables['effect']>;

function effectOf({ started_at, ...row }: StoredEffect): EffectRow {
  return {
    ...row,
    intent: Number(row.intent),
    state: row.state as EffectState,
    startedAt: started_at.toISOString(),
  };
}

export function effectStore(db: Db): EffectStore {
  return {
    async latest(operation, step) {
      const row = await db
        .selectFrom('effect')
        .selectAll()
        .where('operation', '=', operation)
        .where('step', '=', step)
        .orderBy('attempt', 'desc')
        .limit(1)
        .executeTakeFirst();
      return row && effectOf(row);
    },
    async list(operation, { prefix, states }) {
      const rows = await db
        .selectFrom('effect')
        .selectAll()
        .where('operation', '=', operation)
        .where('state', 'in', states)
        .orderBy('intent')
        .execute();
      return rows.filter(row => row.step.startsWith(prefix)).map(effectOf);
    },
    async onCluster(cluster, { part, since, limit }) {
      const rows = await db
        .selectFrom('effect')
        .innerJoin('operation_node', join =>
          join
            .onRef('operation_node.operation', '=', 'effect.operation')
            .on(sql<boolean>`operation_node.node = split_part(effect.step, '/', 1)`),
        )
        .selectAll('effect')
        .where('operation_node.cluster', '=', cluster)
        .where('effect.started_at', '>=', since)
        .where(sql<boolean>`strpos(effect.step, ${part}) > 0`)
        .orderBy('effect.intent', 'desc')
        .limit(limit)
        .execute();
      return rows.map(effectOf);
    },
    async insert(row) {
      await db
        .insertInto('effect')
        .values({ ...row, state: 'open', before: json(row.before), result: json(null), detail: '' })
        .execute();
    },
    async close({ intent, from, state, result, detail }) {
      const done = await db
        .updateTable('effect')
        .set({ state, result: json(result), detail })
        .where('intent', '=', intent)
        .where('state', 'in', from)
        .executeTakeFirst();
      return done.numUpdatedRows === 1n;
    },
  };
}
