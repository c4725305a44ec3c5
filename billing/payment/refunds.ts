/** Refunds as callers see them. The payment's process writes them. */
import type { Refund } from '../../contracts/http/refunds';
import type { Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { toRefund } from '../rows';
import { requirePayment } from './payments';

/** Lists a payment's refunds, newest first. @throws ProblemError `not_found` */
export async function listRefunds(db: Database, paymentId: string, page: PageRequest): Promise<Page<Refund>> {
  await requirePayment(db, paymentId);
  const { after, ...order } = newestFirst(page);
  const rows = await db.refund.findMany({ where: { payment_id: paymentId, ...after }, ...order });
  return pageOf(rows, page.limit, toRefund);
}

/** Reads a refund. @throws when there is none */
export async function readRefund(db: Database, refundId: string): Promise<Refund> {
  return toRefund(await db.refund.findUniqueOrThrow({ where: { id: refundId } }));
}
