/** What of a customer's is still open, and has to end before an erasure: subscriptions, charges, refunds, disputes. */
import { ProblemError } from '../../contracts/problem-error';
import { isPaymentOpen, paymentStatuses } from '../../domain/payment/payment';
import { finalStatuses } from '../../domain/subscription/subscription';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';

/** So many are named; there may be more. */
const maxNamed = 10;

interface OpenThing {
  kind: string;
  id: string;
  status: string;
}

/** Refuses an erasure while something is open. @throws ProblemError `customer_not_settled`, which names it */
export async function refuseUnsettled(tx: Transaction, customerId: string): Promise<void> {
  const open = await findOpen(tx, customerId);
  if (open.length === 0) return;
  const named = open.slice(0, maxNamed).map(({ kind, id, status }) => `${kind} ${id} (${status})`);
  const rest = open.length > maxNamed ? ', and others' : '';
  const detail = `Still open: ${named.join(', ')}${rest}. Cancel subscriptions, wait until the rest is settled, then erase.`;
  throw new ProblemError('customer_not_settled', detail);
}

async function findOpen(tx: Transaction, customerId: string): Promise<OpenThing[]> {
  const openStatuses = paymentStatuses.filter(isPaymentOpen);
  return sql(tx).query<OpenThing[]>`
    WITH own AS MATERIALIZED (SELECT id, status FROM payments WHERE customer_id = ${customerId})
    SELECT 'subscription' AS kind, id, status FROM subscriptions
      WHERE customer_id = ${customerId} AND status <> ALL(${[...finalStatuses]})
    UNION ALL SELECT 'payment', id, status FROM own WHERE status = ANY(${openStatuses})
    UNION ALL SELECT 'attempt of payment', own.id, attempt.status
      FROM own JOIN payment_attempts AS attempt ON attempt.payment_id = own.id
      WHERE own.status <> ALL(${openStatuses}) AND attempt.status NOT IN ('completed', 'failed')
    UNION ALL SELECT 'refund', refund.id, refund.status
      FROM own JOIN refunds AS refund ON refund.payment_id = own.id WHERE refund.status = 'pending'
    UNION ALL SELECT 'dispute', dispute.id, dispute.status
      FROM own JOIN disputes AS dispute ON dispute.payment_id = own.id WHERE dispute.status = 'open'
    LIMIT ${maxNamed + 1}`;
}
