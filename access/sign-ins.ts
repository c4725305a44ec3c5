/**
 * Failed sign-ins in the audit log.
 *
 * Owns: how many rows they may become. The first of its kind and network in a minute is written at once; how many more
 * there were, when the minute ends. Invariants: a flood writes at most {@link maxSources} rows at once and as many at the
 * end of the minute, and one for what came from elsewhere; no row holds a token, or more of a key than the prefix that its
 * list shows. A process that is lost loses counts, not the first rows.
 */
import type { Logger } from 'pino';
import type { SignInFailure } from './authentication';
import type { Database } from '../prisma/client';
import { auditRefusal, type AuditIntent } from './audit';

const windowMs = 60_000;
/** Kinds and networks that one process tells apart in a minute. */
export const maxSources = 20;
const elsewhere = 'elsewhere';

export interface FailedSignIn {
  failure: SignInFailure;
  /** From which it came; never the whole address. */
  network: string;
  requestId: string;
}

interface Source {
  intent: AuditIntent;
  more: number;
}

export class FailedSignIns {
  private sources = new Map<string, Source>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly db: Database,
    private readonly log: Logger,
  ) {}

  /** Counts it; never throws, and is not waited for. */
  record({ failure, network, requestId }: FailedSignIn): void {
    this.timer ??= setTimeout(() => void this.flush(), windowMs).unref();
    const name = `${network} ${failure.kind} ${failure.apiKeyId ?? ''}`;
    const place = this.sources.has(name) || this.sources.size < maxSources ? name : elsewhere;
    const known = this.sources.get(place);
    if (known !== undefined) {
      known.more += 1;
      return;
    }
    const isElsewhere = place === elsewhere;
    const intent = intentOf(failure, isElsewhere ? elsewhere : network, requestId);
    this.sources.set(place, { intent, more: isElsewhere ? 1 : 0 });
    if (!isElsewhere) this.write(intent, 1);
  }

  /** Ends the minute: writes what was counted, and waits until everything is written. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const ended = [...this.sources.values()];
    this.sources = new Map();
    for (const { intent, more } of ended) if (more > 0) this.write(intent, more);
    await this.writing;
  }

  /** One after the other: a flood has one connection of the pool. */
  private write(intent: AuditIntent, count: number): void {
    const { sign_in, ...detail } = intent.detail;
    const counted = { ...intent, detail: { ...detail, sign_in: { ...(sign_in as object), count } } };
    this.writing = this.writing.then(() => auditRefusal(this.db, this.log, counted, 401));
  }
}

function intentOf(
  { kind, apiKeyId, prefix }: SignInFailure,
  network: string,
  requestId: string,
): AuditIntent {
  const isElsewhere = network === elsewhere;
  const keyId = isElsewhere ? null : apiKeyId;
  return {
    actor:
      keyId === null
        ? { kind: 'external', id: network, reason: null }
        : { kind: 'api_key', id: keyId, reason: null },
    action: 'sign_in',
    subjectId: null,
    requestId,
    detail: {
      code: 'unauthenticated',
      sign_in: { failure: isElsewhere ? 'several' : kind, network, prefix: isElsewhere ? null : prefix },
    },
  };
}
