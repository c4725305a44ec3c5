/**
 * Routes of webhook deliveries.
 *
 * Owns: showing the ledger, and asking for a replay. Does not own what an event does: the Payment Service judges it by
 * the rows each time. Invariant: nothing shown was ever a signature or a secret.
 */
import { z } from 'zod';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import {
  listWebhookDeliveries,
  replayWebhookDelivery,
  webhookDelivery,
  wholeWebhookDelivery,
  type WebhookDelivery,
  type WholeWebhookDelivery,
} from '../../contracts/http/webhook-deliveries';
import { inTransaction } from '../../prisma/client';
import type { Prisma } from '../../prisma/generated/client';
import { instantOrNull } from '../../billing/rows';
import { replayDelivery } from '../../billing/webhook/deliveries';
import { pageArguments, pageOf } from '../http/cursors';
import { notFound } from '../../contracts/problem-error';
import { route } from '../http/route';

const tag = 'Webhooks';
const list = 'webhook-deliveries';
const params = z.object({ delivery_id: id });
type WholeRow = Prisma.WebhookDeliveryGetPayload<object>;
type Row = Omit<WholeRow, 'body' | 'headers'>;

function toDelivery(row: Row): WebhookDelivery {
  return {
    id: row.id,
    provider: row.provider,
    provider_event_id: row.provider_event_id,
    event_type: row.event_type,
    payment_id: row.payment_id,
    status: row.status as WebhookDelivery['status'],
    outcome: row.outcome,
    received_at: row.created_at.toISOString(),
    processed_at: instantOrNull(row.processed_at),
  };
}

function toWhole(row: WholeRow): WholeWebhookDelivery {
  return {
    ...toDelivery(row),
    body: row.body === null ? null : Buffer.from(row.body).toString('utf8'),
    headers: row.headers as Record<string, string>,
  };
}

export const webhookDeliveryRoutes = [
  route({
    method: 'get',
    path: '/webhook-deliveries',
    operationId: 'listWebhookDeliveries',
    tag,
    summary: 'List webhook deliveries, newest first',
    scope: 'operator',
    query: listWebhookDeliveries,
    answers: { 200: { description: 'A page.', schema: listOf(webhookDelivery) } },
    problems: ['malformed_cursor'],
    async handle({ query }, { db }) {
      const { after, ...page } = pageArguments(list, query);
      const { provider, status, payment_id } = query;
      const rows = await db.webhookDelivery.findMany({
        where: { provider, status, payment_id, ...after },
        omit: { body: true, headers: true },
        ...page,
      });
      return { status: 200, body: pageOf(list, query, rows, toDelivery) };
    },
  }),
  route({
    method: 'get',
    path: '/webhook-deliveries/{delivery_id}',
    operationId: 'getWebhookDelivery',
    tag,
    summary: 'Read a webhook delivery with what was received',
    scope: 'operator',
    params,
    answers: { 200: { description: 'The delivery.', schema: wholeWebhookDelivery } },
    problems: ['not_found'],
    async handle(call, { db }) {
      const row = await db.webhookDelivery.findUnique({ where: { id: call.params.delivery_id } });
      if (row === null) throw notFound('webhook delivery');
      return { status: 200, body: toWhole(row) };
    },
  }),
  route({
    method: 'post',
    path: '/webhook-deliveries/{delivery_id}/replay',
    operationId: 'replayWebhookDelivery',
    tag,
    summary: 'Have the Payment Service look at the event again',
    description:
      'Publishes it once more on webhooks.received, with an id of its own. What the event has done already is not ' +
      'done again.',
    scope: 'operator',
    params,
    body: replayWebhookDelivery,
    bodyOptional: true,
    answers: { 202: { description: 'Read it to see what becomes of it.', schema: webhookDelivery } },
    problems: ['not_found'],
    async handle(call, { db }) {
      const row = await inTransaction(db, (tx) => replayDelivery(tx, call.params.delivery_id));
      if (row === null) throw notFound('webhook delivery');
      return { status: 202, body: toDelivery(row) };
    },
  }),
];
