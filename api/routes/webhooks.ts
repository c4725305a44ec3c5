/**
 * POST /webhooks/{provider}: the events of providers.
 *
 * Owns the order: provider, size, signature, limit, meaning, ledger, answer. Does not own signatures and shapes (the
 * provider's adapter) nor what follows from an event. Invariants: the raw bytes are verified before anything of them is
 * read; nothing of an unverified webhook is kept; a verified one is stored whatever its shape; no 2xx before it is
 * committed; a repeat gets the same answer.
 */
import { z } from 'zod';
import { storeWebhook } from '../../billing/webhook/deliveries';
import type { WebhookRefusal, WebhookRequest } from '../../domain/payment/webhook';
import type { ApiDependencies } from '../http/dependencies';
import { ProblemError, notFound } from '../../contracts/problem-error';
import { route, type Answer, type Call } from '../http/route';
import type { WebhookSource } from '../http/webhook-sources';

const maxWebhookBytes = 1024 * 1024;
const params = z.object({ provider: z.string() });
type Params = z.output<typeof params>;

const refusals: Record<WebhookRefusal, string> = {
  missing_signature: 'The headers of the signature are missing.',
  bad_signature: 'The signature is not that of a secret in use.',
  stale_timestamp: 'The webhook’s own time is more than 5 minutes from now.',
};

function sourceOf(provider: string, { webhooks }: ApiDependencies): WebhookSource {
  const source = webhooks.sources.get(provider);
  if (source === undefined) throw notFound('provider with webhooks');
  return source;
}

async function receive(call: Call<Params, unknown, unknown>, deps: ApiDependencies): Promise<Answer> {
  const { provider } = call.params;
  const source = sourceOf(provider, deps);
  const request = call.raw;
  if (request === null) throw new Error('a webhook needs the raw body');
  const receivedAt = deps.now();
  const verdict = source.verify(request, receivedAt);
  if (verdict !== 'verified') {
    deps.webhooks.count(provider, verdict);
    throw new ProblemError('webhook_not_verified', refusals[verdict], { reason: verdict });
  }
  await withinLimit(provider, deps);
  const event = source.read(request);
  const { body } = request;
  const headers = kept(request, source);
  const { trace, isTraceSent } = call;
  const received = { provider, event, body, headers, receivedAt, trace, isTraceSent };
  const result = await storeWebhook(deps.db, received);
  const isNew = result === 'stored';
  deps.webhooks.count(provider, isNew && event.unreadable !== undefined ? 'unreadable' : result);
  const { status, contentType, body: data } = source.answer;
  return { status, file: { contentType, data } };
}

/** What is verified only: anybody can send what is not, and would keep the provider out. */
async function withinLimit(provider: string, { limits, webhooks }: ApiDependencies): Promise<void> {
  try {
    await limits.admitWebhook(provider);
  } catch (error) {
    webhooks.count(provider, 'limited');
    throw error;
  }
}

/** The provider's adapter names what may be kept; what cannot be stored as text is left out. */
function kept({ headers }: WebhookRequest, { keptHeaders }: WebhookSource): Record<string, string> {
  return Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = headers[name]?.join(', ');
      return value !== undefined && /^[\x20-\x7e]{1,500}$/.test(value) ? [[name, value]] : [];
    }),
  );
}

export const webhookRoutes = [
  route({
    method: 'post',
    path: '/webhooks/{provider}',
    operationId: 'receiveWebhook',
    tag: 'Webhooks',
    summary: 'For payment providers: report an event',
    description:
      'Authenticated by the provider’s signature over the raw body, of 1 MiB at most; it needs no API key. An event ' +
      'is stored once: a repeat gets the same answer and changes nothing. What is verified is stored whatever its shape; ' +
      'what concerns a payment and cannot be read becomes an operator task.',
    scope: null,
    params,
    raw: {
      maxBytes: maxWebhookBytes,
      admit: ({ provider }, deps) => void sourceOf((provider as string | undefined) ?? '', deps),
    },
    answers: {
      200: {
        description: 'Stored, now or before. The answer that the provider expects.',
        contentType: '*/*',
      },
    },
    problems: [
      'malformed_request',
      'webhook_not_verified',
      'not_found',
      'payload_too_large',
      'unsupported_media_type',
      'unavailable',
    ],
    handle: receive,
  }),
];
