/**
 * The audit row of a call: committed before the handler begins, completed by the answer.
 *
 * Owns: which row a call has. Does not own writing it (`access/audit.ts`). Invariant: a handler of a changing route, or of
 * one that shows secrets, runs only after its row is committed. What is refused before, or answered from what is kept
 * under an Idempotency-Key, has no effect of its own and gets its whole row at the end.
 */
import type { Request } from 'express';
import {
  auditRefusal,
  beginAudit,
  completeAudit,
  type AuditDetail,
  type AuditIntent,
} from '../../access/audit';
import { actorOf, type Caller } from '../../access/authentication';
import { id } from '../../contracts/fields';
import type { ApiDependencies } from './dependencies';
import type { Trace } from './logging';
import type { Reply } from './reply';
import { isAudited, type Route } from './route';

export class CallAudit {
  private rowId: bigint | null = null;

  constructor(
    private readonly entry: Route,
    private readonly deps: ApiDependencies,
    private readonly request: Request,
    private readonly caller: Caller,
    private readonly trace: Trace,
  ) {}

  /** Commits the row. @throws ProblemError `unavailable`: the handler may not begin */
  async begin(): Promise<void> {
    if (!isAudited(this.entry)) return;
    this.rowId = await beginAudit(this.deps.db, this.deps.log, this.intent({}));
  }

  /** Completes the row, or writes the whole one where nothing began. */
  async complete(reply: Reply): Promise<void> {
    if (!isAudited(this.entry)) return;
    const { db, log } = this.deps;
    const detail: AuditDetail = {
      ...(reply.problem === null ? {} : { code: reply.problem }),
      ...(reply.headers['Idempotent-Replayed'] === 'true' ? { replayed: true } : {}),
    };
    const { status, subjectId } = reply;
    if (this.rowId !== null) return completeAudit(db, log, this.rowId, { status, subjectId, detail });
    const intent = this.intent(detail);
    return auditRefusal(db, log, { ...intent, subjectId: subjectId ?? intent.subjectId }, status);
  }

  private intent(detail: AuditDetail): AuditIntent {
    const { scope } = this.entry;
    return {
      actor: actorOf(this.caller, this.trace.reason),
      action: actionOf(this.entry),
      subjectId: lastIdOf(this.request),
      requestId: this.trace.requestId,
      detail: { ...(scope === null ? {} : { scope }), ...detail },
    };
  }
}

/** What the audit log calls a route. */
export function actionOf({ method, path }: Route): string {
  return `${method.toUpperCase()} ${path}`;
}

/** The last id in the path. */
export function lastIdOf(request: Request): string | null {
  return id.safeParse(Object.values(request.params).at(-1)).data ?? null;
}
