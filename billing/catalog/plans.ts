/** Plans. A plan's price never changes; its name and `active` do. */
import type { z } from 'zod';
import { hasCreated, recordCreated, type Lease } from '../../access/idempotency';
import type { changePlan as changeShape, CreatePlan, Plan } from '../../contracts/http/plans';
import { notFound, ProblemError } from '../../contracts/problem-error';
import { inTransaction, type Database, type Transaction } from '../../prisma/client';
import { listOf } from '../../prisma/columns';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { sql } from '../../prisma/sql';
import { planColumns, planRow, type PlanRow } from '../rows';

function toPlan(row: PlanRow): Plan {
  return {
    id: row.id,
    name: row.name,
    currency: row.currency,
    amount: Number(row.amount),
    interval: { unit: row.interval_unit, count: row.interval_count },
    trial_days: row.trial_days,
    active: row.active,
    metadata: row.metadata as Plan['metadata'],
    created_at: row.created_at.toISOString(),
  };
}

/**
 * Creates a plan.
 * @param planId the id when the caller has chosen none
 * @param lease of the call's Idempotency-Key, if it has one
 * @throws ProblemError `already_exists`
 */
export async function createPlan(
  db: Database,
  { id: chosen, interval, ...fields }: CreatePlan,
  planId: string,
  lease: Lease | null,
): Promise<Plan> {
  const id = chosen ?? planId;
  const plan = { ...fields, id, interval_unit: interval.unit, interval_count: interval.count };
  const row = await inTransaction(db, async (tx) => {
    if (await insertPlan(tx, plan)) await recordCreated(tx, lease, id);
    else if (!(await hasCreated(tx, lease, id))) {
      throw new ProblemError('already_exists', 'There is a plan with this id.');
    }
    return selectPlan(tx, id);
  });
  return toPlan(row);
}

/** @returns whether the id was free */
async function insertPlan(tx: Transaction, plan: object): Promise<boolean> {
  const { names, values } = listOf({ ...plan }, ['metadata']);
  const count = await sql(tx).execute`
    INSERT INTO plans (${names}) VALUES (${values}) ON CONFLICT (id) DO NOTHING`;
  return count === 1;
}

async function selectPlan(tx: Transaction, planId: string): Promise<PlanRow> {
  const [row] = await sql(tx).query<[PlanRow]>`SELECT ${planColumns} FROM plans WHERE id = ${planId}`;
  return row;
}

/** Lists plans, newest first. */
export async function listPlans(db: Database, page: PageRequest): Promise<Page<Plan>> {
  const { after, ...order } = newestFirst(page);
  return pageOf(await db.plan.findMany({ where: after, ...order }), page.limit, (row) =>
    toPlan(planRow(row)),
  );
}

/** Reads a plan. @throws ProblemError `not_found` */
export async function readPlan(db: Database, planId: string): Promise<Plan> {
  const row = await db.plan.findUnique({ where: { id: planId } });
  if (row === null) throw notFound('plan');
  return toPlan(planRow(row));
}

/** Changes a plan; fields left out stay. @throws ProblemError `not_found` */
export async function changePlan(
  db: Database,
  planId: string,
  changes: z.output<typeof changeShape>,
): Promise<Plan> {
  await db.plan.updateMany({ where: { id: planId }, data: changes });
  return readPlan(db, planId);
}
