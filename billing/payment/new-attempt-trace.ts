/** Which trace an attempt begins with: that of the manual retry request which it serves, else its payment's. */
import type { AttemptTrigger } from '../../domain/payment/payment';
import type { TraceContext } from '../../domain/trace';
import type { Transaction } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { traceOfPayment } from '../traces';
import type { AttemptedPayment } from './attempt-store';

/** Reads the trace of an attempt that is about to begin. */
export async function traceOfNewAttempt(
  tx: Transaction,
  payment: AttemptedPayment,
  { number, trigger }: { number: number; trigger: AttemptTrigger },
): Promise<TraceContext> {
  if (trigger !== 'manual_retry') return traceOfPayment(payment);
  const [request] = await sql(tx).query<{ trace: TraceContext | null }[]>`
    SELECT trace FROM retry_requests WHERE payment_id = ${payment.id} AND attempt = ${number}
    ORDER BY requested_at, id LIMIT 1`;
  return request?.trace ?? traceOfPayment(payment);
}
