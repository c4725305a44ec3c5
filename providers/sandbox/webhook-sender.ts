/**
 * Sends the sandbox provider's webhooks, and lets happen what its time has come for.
 *
 * Owns: when a webhook is sent, signed, repeated, given up, and the misbehaviour that `/v1/control` asks for. Does not
 * own their rows (`webhook-queue.ts`). Invariants: anything but a 2xx is sent again with back-off, for three days, over
 * restarts; signed anew each time by Standard Webhooks, with every secret; no body or signature in a log.
 */
import { setTimeout as timer } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { standardWebhookHeaders } from '../standard-webhooks';
import type { Control } from './control';
import type { QueuedWebhook, WebhookQueue } from './webhook-queue';

export interface WebhookTarget {
  url: string;
  /** `whsec_…`, newest first. */
  secrets: readonly string[];
}

export interface SenderDeps {
  target: WebhookTarget;
  queue: WebhookQueue;
  /** Lets everything happen whose time has come. */
  settleDue(): Promise<void>;
  control: Control;
  now(): Date;
  /** Uniform in [0, 1). */
  random(): number;
  log: { warn(fields: object, message: string): void };
}

export interface WebhookSender {
  /** Something may be due: looks at once instead of at the next tick. */
  wake(): void;
  /** Finishes what is on its way. */
  close(): Promise<void>;
}

const tickMs = 250;
const batchSize = 40;
/** On their way at a time. */
const lanes = 8;
const answerWithinMs = 5_000;
const leaseMs = 15_000;
const firstRetryMs = 500;
const longestRetryMs = 60_000;
const givenUpAfterMs = 3 * 24 * 3_600_000;

/** Starts sending; it goes on through every failure until it is closed. */
export function startWebhookSender(deps: SenderDeps): WebhookSender {
  const closing = new AbortController();
  let wake = new AbortController();
  const signers = deps.target.secrets.map((secret) => new Webhook(secret));
  const running = (async () => {
    while (!closing.signal.aborted) {
      const woken = wake.signal;
      const busy = await round(deps, signers).catch((error: unknown) => {
        deps.log.warn({ code: (error as { code?: unknown }).code }, 'webhooks not polled');
        return false;
      });
      if (busy) continue;
      const signal = AbortSignal.any([closing.signal, woken]);
      await timer(tickMs, undefined, { signal }).catch(() => undefined);
      if (woken.aborted) wake = new AbortController();
    }
  })();
  return {
    wake: () => wake.abort(),
    close: () => {
      closing.abort();
      return running;
    },
  };
}

/** @returns whether there may be more to do at once */
async function round(deps: SenderDeps, signers: readonly Webhook[]): Promise<boolean> {
  const { queue, control } = deps;
  await deps.settleDue();
  if (control.settings.hold_webhooks) return false;
  const now = deps.now();
  const due = await queue.claim(now, new Date(now.getTime() + leaseMs), batchSize);
  const waiting = control.settings.shuffle_webhooks ? shuffled(due, deps.random) : due;
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await deliver(deps, signers, next);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return due.length > 0;
}

async function deliver(deps: SenderDeps, signers: readonly Webhook[], webhook: QueuedWebhook): Promise<void> {
  const { queue, control, now, random, log } = deps;
  const copies = 1 + control.settings.duplicate_webhooks;
  const answers = await Promise.all(Array.from({ length: copies }, () => post(deps, signers, webhook)));
  if (answers.every((status) => status !== null && status >= 200 && status < 300)) {
    return queue.remove(webhook.id);
  }
  const { id, attempts } = webhook;
  if (now().getTime() - webhook.createdAt.getTime() > givenUpAfterMs) {
    log.warn({ id, attempts }, 'webhook given up');
    return queue.remove(id);
  }
  const backOffMs = Math.min(firstRetryMs * 2 ** Math.min(attempts - 1, 20), longestRetryMs);
  // Not all at once when the receiver is back.
  const dueAt = new Date(now().getTime() + Math.round(backOffMs * (0.75 + random() / 2)));
  log.warn({ id, attempts, answers }, 'webhook not accepted, retrying');
  return queue.postpone(id, dueAt);
}

/** The status of the answer; null without one. */
async function post(
  { target, now }: SenderDeps,
  signers: readonly Webhook[],
  { id, body }: QueuedWebhook,
): Promise<number | null> {
  const at = now();
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'sandbox-provider',
        [standardWebhookHeaders.id]: id,
        [standardWebhookHeaders.timestamp]: String(Math.floor(at.getTime() / 1_000)),
        [standardWebhookHeaders.signature]: signers.map((signer) => signer.sign(id, at, body)).join(' '),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return null;
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
}
