/**
 * Whether a worker or a bridge works: `/healthz` and `/readyz` beside its metrics.
 *
 * Owns: what a process in each phase answers. Invariants: `/healthz` says that the process answers, and no more: a restart
 * cures no server that is down, and what a restart cures ends the process by itself.
 */
import type { ServerResponse } from 'node:http';
import type { ReadinessCheck } from '../api/http/dependencies';
import { sharedReadiness } from '../api/http/readiness';
import type { Readiness } from '../contracts/http/service';
import type { Database } from '../prisma/client';
import { sql } from '../prisma/sql';
import type { WorkflowClient } from '../temporal/client';
import type { Part } from './process';

export class Health {
  private readonly checks: ReadinessCheck[] = [];
  private phase: 'starting' | 'running' | 'closing' = 'starting';
  private readonly askParts: () => Promise<Readiness>;

  constructor(nowMs?: () => number) {
    this.askParts = sharedReadiness(this.checks, nowMs);
  }

  /** Adds a part of the process. @param fault what is wrong with it; null: nothing. May throw instead */
  add(name: string, fault: () => string | null | Promise<string | null>): void {
    const check = async () => {
      const found = await fault();
      if (found !== null) throw new Error(found);
    };
    this.checks.push({ name, check });
  }

  /** Every part has been added and works as far as is known. @returns what is closed first */
  started(): Part {
    this.phase = 'running';
    return {
      name: 'health',
      close: () => {
        this.phase = 'closing';
        return Promise.resolve();
      },
    };
  }

  /** Answers a path of health. @returns false for any other */
  answer(path: string | undefined, response: ServerResponse): boolean {
    if (path === '/healthz') respond(response, 200, { status: 'ok' });
    else if (path === '/readyz') {
      void this.readiness().then((readiness) =>
        respond(response, readiness.status === 'ready' ? 200 : 503, readiness),
      );
    } else return false;
    return true;
  }

  private readiness(): Promise<Readiness> {
    if (this.phase !== 'running') {
      const part = { name: 'process', state: 'down', reason: `it is ${this.phase}` } as const;
      return Promise.resolve({ status: 'not_ready', parts: [part] });
    }
    return this.askParts();
  }
}

/** Adds the servers that every part needs. */
export function watchConnections(
  health: Health,
  db: Database,
  workflows: Pick<WorkflowClient, 'checkReachable'>,
): void {
  health.add('postgres', async () => {
    await sql(db).query`SELECT 1`;
    return null;
  });
  health.add('temporal', async () => {
    await workflows.checkReachable({ withinMs: 1_500 });
    return null;
  });
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
