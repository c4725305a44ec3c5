/**
 * What the API needs of a provider to take its webhooks; the process that runs it passes the adapters.
 *
 * Owns: that narrow view, and counting what was refused. Invariant: of a webhook that is not believed nothing is kept
 * but the count.
 */
import type { Logger } from 'pino';
import type { ProviderEvent } from '../../contracts/topics/provider-events';
import type {
  WebhookAnswer,
  WebhookRefusal,
  WebhookRequest,
  WebhookVerdict,
} from '../../domain/payment/webhook';

/** A provider's webhooks, with the secrets that they are judged by. */
export interface WebhookSource {
  verify(request: WebhookRequest, now: Date): WebhookVerdict;
  /** What a verified webhook reports, whatever its shape. */
  read(request: WebhookRequest): ProviderEvent;
  /** Lower-case names of headers that may be stored. */
  readonly keptHeaders: readonly string[];
  readonly answer: WebhookAnswer;
}

export interface Webhooks {
  /** By provider. */
  sources: ReadonlyMap<string, WebhookSource>;
  /** Counts each webhook by what became of it. */
  count(provider: string, result: WebhookResult): void;
}

/** `limited`: verified and not taken now, the provider sends it again; `unreadable`: stored, and an operator may have to look at it. */
export type WebhookResult = WebhookRefusal | 'limited' | 'unreadable' | 'stored' | 'duplicate';
const taken: ReadonlySet<WebhookResult> = new Set(['stored', 'unreadable', 'duplicate']);

const logEveryMs = 60_000;

/** Says in the log what was refused: at once, then once a minute at most with what came meanwhile. */
export function refusalLog(log: Logger, nowMs: () => number): Webhooks['count'] {
  const counts = new Map<string, { total: number; logged: number; loggedAtMs: number }>();
  return (provider, refusal) => {
    if (taken.has(refusal)) return;
    const name = `${provider} ${refusal}`;
    const count = counts.get(name) ?? { total: 0, logged: 0, loggedAtMs: -Infinity };
    counts.set(name, count);
    count.total += 1;
    const atMs = nowMs();
    if (atMs - count.loggedAtMs < logEveryMs) return;
    const line = { provider, refusal, since_last: count.total - count.logged, total: count.total };
    log.warn(line, 'webhooks refused');
    Object.assign(count, { logged: count.total, loggedAtMs: atMs });
  };
}
