/** Routes of webhook deliveries. */
import { z } from 'zod';
import type { ReadAgain } from '../../billing/webhook/deliveries';
import * as ledger from '../../billing/webhook/ledger';
import { id } from '../../contracts/fields';
import { listOf } from '../../contracts/http/lists';
import {
  listWebhookDeliveries,
  replayWebhookDelivery,
  webhookDelivery,
  wholeWebhookDelivery,
} from '../../contracts/http/webhook-deliveries';
import { pageBody, readPage } from '../http/cursors';
import { route } from '../http/route';
import type { Webhooks } from '../http/webhook-sources';

const tag = 'Webhooks';
const list = 'webhook-deliveries';
const params = z.object({ delivery_id: id });

/** Reads a webhook as its provider's adapter reads it now. */
const againBy =
  (sources: Webhooks['sources']): ReadAgain =>
  (provider, { body, headers }) => {
    const listed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    return sources.get(provider)?.read({ body, headers: listed, sourceAddress: null }) ?? null;
  };

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
      const page = await ledger.listDeliveries(db, query, readPage(list, query));
      return { status: 200, body: pageBody(list, page) };
    },
  }),
  route({
    method: 'get',
    path: '/webhook-deliveries/{delivery_id}',
    operationId: 'getWebhookDelivery',
    tag,
    summary: 'Read a webhook delivery with what was received',
    scope: 'operator',
    showsSecrets: true,
    params,
    answers: { 200: { description: 'The delivery.', schema: wholeWebhookDelivery } },
    problems: ['not_found'],
    async handle(call, { db }) {
      return { status: 200, body: await ledger.readDelivery(db, call.params.delivery_id) };
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
      'done again. One that could not be read is read again, as long as its body is kept.',
    scope: 'operator',
    params,
    body: replayWebhookDelivery,
    bodyOptional: true,
    answers: { 202: { description: 'Read it to see what becomes of it.', schema: webhookDelivery } },
    problems: ['not_found'],
    async handle(call, { db, webhooks }) {
      const how = { readAgain: againBy(webhooks.sources), trace: call.trace };
      return { status: 202, body: await ledger.replayWebhook(db, call.params.delivery_id, how) };
    },
  }),
];
