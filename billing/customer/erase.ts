/**
 * The erasure of a customer's personal data, by the list of `domain/personal-data.ts`.
 *
 * Invariants:
 * - The records of money stay as they are. An erased customer has no credit: what payments funded goes back or is given up
 *   by a person before, what was granted is taken back here.
 * - It begins when nothing of the customer's is open, and nothing begins afterwards; then it goes through the list in
 *   batches, each a transaction that says how far it has come. Whoever runs it next continues there.
 * - What is written late is found by later passes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor } from '../../contracts/fields';
import { notFound, ProblemError } from '../../contracts/problem-error';
import type { NamedMoney } from '../../contracts/problems';
import { creditOf, decideCreditChange } from '../../domain/ledger/credit';
import { isPaymentSource } from '../../domain/ledger/state';
import { moneyText } from '../../domain/money';
import { databaseNow, inTransaction, type Database, type Transaction } from '../../prisma/client';
import { timesForCustomer } from '../clock';
import { enqueueCustomerBalance } from '../ledger/ledger-store';
import { enqueuePosting } from '../ledger/post';
import { lockCustomerBalances, lockCustomerForErasure, lockDueErasure } from '../locks';
import type { CustomerRow } from '../rows';
import { blanked, type Value } from './blank';
import {
  blankedColumns,
  dueErasures,
  enqueueBlanked,
  enqueueErasure,
  enqueueProgress,
  findErasure,
  postponeErasure,
  readBatch,
  steps,
  type Batch,
  type BlankedRow,
  type ErasureRow,
  type Position,
  type ReadRow,
  type Step,
} from './erasure-store';
import { refuseUnsettled } from './open-business';
import { enqueueMethodDeletions, updateCustomer } from './store';

/**
 * Erases a customer's personal data; erased already, it changes nothing.
 * @param withinMs how long it works on it here; the bridge does what is left then
 * @returns how far it has come
 * @throws ProblemError `not_found`, `customer_not_settled`, `customer_has_credit`
 */
export async function eraseCustomer(
  db: Database,
  customerId: string,
  actor: Actor,
  withinMs: number,
): Promise<ErasureRow> {
  await beginErasure(db, customerId, actor);
  const deadline = performance.now() + withinMs;
  let erasure = await readErasure(db, customerId);
  while (erasure.finished_at === null && performance.now() < deadline) {
    if (!(await eraseBatch(db, customerId))) await sleep(busyMs);
    erasure = await readErasure(db, customerId);
  }
  return erasure;
}

/** Until it is looked again whether another process has finished. */
const busyMs = 20;

/** Reads how far the erasure of a customer has come. @throws ProblemError `not_found` when the customer was not erased */
export async function readErasure(db: Database, customerId: string): Promise<ErasureRow> {
  const row = await findErasure(db, customerId);
  if (row === null) throw notFound('erasure');
  return row;
}

/**
 * Begins an erasure: the customer's own columns, and nothing is charged any more; begun already, it changes nothing.
 * @throws ProblemError `not_found`, `customer_not_settled`, `customer_has_credit`
 */
export async function beginErasure(db: Database, customerId: string, actor: Actor): Promise<void> {
  await inTransaction(db, async (tx) => {
    const before = await lockCustomerForErasure(tx, customerId);
    if (before === null) throw notFound('customer');
    if (before.erased_at !== null) return enqueueErasure(tx, customerId, before.erased_at);
    await refuseUnsettled(tx, customerId);
    await takeCreditBack(tx, before, actor);
    const at = await databaseNow(tx);
    enqueueMethodDeletions(tx, customerId, at);
    enqueueErasure(tx, customerId, at);
    const nothing = { email: null, name: null, metadata: {}, default_payment_method_id: null };
    await updateCustomer(tx, customerId, { ...nothing, erased_at: at });
  });
}

/** Customers of one round. */
const perRound = 10;

/**
 * Continues the erasures that have something to do.
 * @param onFailure of a customer; the others have their turn
 * @returns how many batches were done
 */
export async function continueErasures(
  db: Database,
  stopping: AbortSignal,
  onFailure: (customerId: string, error: unknown) => void,
): Promise<number> {
  let batches = 0;
  for (const customerId of await dueErasures(db, perRound)) {
    try {
      while (!stopping.aborted && (await eraseBatch(db, customerId))) batches += 1;
    } catch (error) {
      onFailure(customerId, error);
      await postponeErasure(db, customerId);
    }
  }
  return batches;
}

/** Rows of a batch; of records, which are large, fewer. */
const batchSize = 500;
const recordBatchSize = 20;

/** Blanks the next batch. @returns false when there is nothing to do, or another process is at it */
async function eraseBatch(db: Database, customerId: string): Promise<boolean> {
  return inTransaction(db, async (tx) => {
    const progress = await lockDueErasure(tx, customerId);
    if (progress === null) return false;
    // A step that this version does not know is begun again: blanking twice changes nothing.
    const at = Math.max(
      0,
      steps.findIndex(({ name }) => name === progress.step),
    );
    const step = steps[at];
    if (step === undefined) throw new Error('the list of personal data is empty');
    const after = step.name === progress.step ? progress.position : null;
    const { rows, next } = await readPersonal(tx, step, customerId, after, progress.since);
    const changed = rows.flatMap((row) => blankedRow(step, row));
    if (changed.length > 0) enqueueBlanked(tx, step, changed);
    const following = steps[at + 1];
    const end = following === undefined ? null : { step: following.name, position: null };
    enqueueProgress(
      tx,
      customerId,
      next === null ? end : { step: step.name, position: next },
      changed.length,
    );
    return true;
  });
}

function readPersonal(
  tx: Transaction,
  step: Step,
  customerId: string,
  after: Position | null,
  since: Date | null,
): Promise<Batch> {
  if (Object.keys(step.list.personal).length === 0) return Promise.resolve({ rows: [], next: null });
  const limit = step.owner === 'record' ? recordBatchSize : batchSize;
  return readBatch(tx, step, customerId, { after, since, limit, columns: blankedColumns(step), lock: true });
}

/** None when there is nothing to blank in it. */
function blankedRow({ list }: Step, row: ReadRow): BlankedRow[] {
  const values = Object.fromEntries(
    Object.entries(list.personal).map(([column, { blank }]) => [
      column,
      blanked(blank, row[column] as Value, row),
    ]),
  );
  const isSame = Object.entries(values).every(
    ([column, value]) => JSON.stringify(value) === JSON.stringify(row[column]),
  );
  return isSame ? [] : [{ position: row['position'] as string[], values }];
}

/** Takes back what was granted. @throws ProblemError `customer_has_credit` when payments fund a part of the credit */
async function takeCreditBack(
  tx: Transaction,
  { id, test_clock_id }: CustomerRow,
  actor: Actor,
): Promise<void> {
  const balances = (await lockCustomerBalances(tx, id)).filter(({ credit }) => credit > 0n);
  if (balances.length === 0) return;
  const funded = balances
    .map(({ currency, funds }) => ({
      currency,
      amount: creditOf(funds.filter(({ source }) => isPaymentSource(source))),
    }))
    .filter(({ amount }) => amount > 0);
  if (funded.length > 0) throw refusalOf(funded);
  const times = await timesForCustomer(tx, id);
  for (const { currency, credit, funds } of balances) {
    const transactionId = `${id}/erased/${currency}`;
    const decision = decideCreditChange(funds, { transactionId, amount: -Number(credit) });
    if (decision.kind === 'refused') throw new Error(`the credit of ${id} cannot be taken back`);
    enqueueCustomerBalance(tx, id, currency, decision.funds);
    const owner = { id: null, customer_id: id, currency, test_clock_id };
    enqueuePosting(tx, owner, decision, { id: transactionId, kind: decision.kind, actor }, times);
  }
}

function refusalOf(funded: NamedMoney[]): ProblemError {
  const money = funded.map(({ amount, currency }) => moneyText(amount, currency)).join(', ');
  const detail = `Payments of the customer fund ${money} of credit: pay it out, or take it back, then erase.`;
  return new ProblemError('customer_has_credit', detail, { credit: funded });
}
