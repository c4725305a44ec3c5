/** Webhook deliveries as operators see them. Invariant: nothing shown was ever a signature or a secret. */
import {
  webhookDelivery,
  wholeWebhookDelivery,
  type WebhookDelivery,
  type WholeWebhookDelivery,
} from '../../contracts/http/webhook-deliveries';
import { notFound } from '../../contracts/problem-error';
import { inTransaction, type Database } from '../../prisma/client';
import { newestFirst, pageOf, type Page, type PageRequest } from '../../prisma/pages';
import { deliveryRow, instantOrNull, type DeliveryRow } from '../rows';
import { replayDelivery, type Replaying } from './deliveries';

function fieldsOf(row: DeliveryRow) {
  return {
    ...row,
    received_at: row.created_at.toISOString(),
    processed_at: instantOrNull(row.processed_at),
  };
}

const toDelivery = (row: DeliveryRow): WebhookDelivery => webhookDelivery.parse(fieldsOf(row));

export interface DeliveryFilter {
  provider?: string | undefined;
  status?: string | undefined;
  payment_id?: string | undefined;
}

/** Lists webhook deliveries without what was received, newest first. */
export async function listDeliveries(
  db: Database,
  { provider, status, payment_id }: DeliveryFilter,
  page: PageRequest,
): Promise<Page<WebhookDelivery>> {
  const { after, ...order } = newestFirst(page);
  const rows = await db.webhookDelivery.findMany({
    where: { provider, status, payment_id, ...after },
    omit: { body: true, headers: true },
    ...order,
  });
  return pageOf(rows, page.limit, (row) => toDelivery(deliveryRow(row)));
}

/** Reads a webhook delivery with what was received. @throws ProblemError `not_found` */
export async function readDelivery(db: Database, deliveryId: string): Promise<WholeWebhookDelivery> {
  const row = await db.webhookDelivery.findUnique({ where: { id: deliveryId } });
  if (row === null) throw notFound('webhook delivery');
  const body = row.body === null ? null : Buffer.from(row.body).toString('utf8');
  return wholeWebhookDelivery.parse({ ...fieldsOf(deliveryRow(row)), body, headers: row.headers });
}

/** Publishes a stored event once more, read again where it could not be read. @throws ProblemError `not_found` */
export async function replayWebhook(
  db: Database,
  deliveryId: string,
  how: Replaying,
): Promise<WebhookDelivery> {
  const row = await inTransaction(db, (tx) => replayDelivery(tx, deliveryId, how));
  if (row === null) throw notFound('webhook delivery');
  return toDelivery(row);
}
