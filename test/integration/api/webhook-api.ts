/** The API as the sandbox provider calls it, and what its webhooks have left in the database. */
import type { WebhookDelivery } from '../../../prisma/generated/client';
import { fixedNow, openApi, type Ask, type TestApi, type Reply } from './test-api';
import type { Sent } from './sandbox-events';

export interface WebhookApi extends TestApi {
  send(sent: Sent, more?: Ask): Promise<Reply>;
  counts(): Promise<{ deliveries: number; events: number }>;
  deliveryOf(providerEventId: string): Promise<WebhookDelivery>;
  /** For the next test: nothing refused or logged yet, and the time of the beginning. */
  restart(): void;
}

export async function openWebhookApi(): Promise<WebhookApi> {
  const given = await openApi();
  const { db, ask, refused, logged, clock } = given;
  return {
    ...given,
    send: ({ body, headers }, more = {}) =>
      ask('POST', '/webhooks/sandbox', {
        secret: null,
        raw: body,
        ...more,
        headers: { ...headers, ...more.headers },
      }),
    counts: async () => ({
      deliveries: await db.webhookDelivery.count(),
      events: await db.outboxEvent.count(),
    }),
    deliveryOf: (id) =>
      db.webhookDelivery.findUniqueOrThrow({
        where: { provider_provider_event_id: { provider: 'sandbox', provider_event_id: id } },
      }),
    restart() {
      refused.length = 0;
      logged.length = 0;
      clock.now = fixedNow;
    },
  };
}
