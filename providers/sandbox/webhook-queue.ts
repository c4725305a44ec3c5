/**
 * The sandbox provider's webhooks that are still to be delivered.
 *
 * Owns: their rows. Does not own sending (`webhook-sender.ts`). Invariants: a webhook is written in the transaction of
 * what it tells, so that neither is without the other; its body is written once, and every delivery of it is the same
 * to the byte; what a killed process had in hand is due again after its lease.
 */
import type { Pool, PoolClient } from 'pg';
import type { SandboxEvent, SandboxEventType } from './webhooks';

export interface QueuedWebhook {
  id: string;
  body: string;
  /** Deliveries so far, the coming one included. */
  attempts: number;
  createdAt: Date;
}

export class WebhookQueue {
  constructor(
    private readonly pool: Pool,
    private readonly newId: () => string,
  ) {}

  /** Part of the transaction of `client`. */
  async add(client: PoolClient, type: SandboxEventType, data: object, now: Date): Promise<void> {
    const event: SandboxEvent = { id: `evt_${this.newId()}`, type, created_at: now.toISOString(), data };
    await client.query(
      'INSERT INTO webhooks (id, type, body, created_at, due_at) VALUES ($1, $2, $3, $4, $4)',
      [event.id, type, JSON.stringify(event), now],
    );
  }

  /** Takes what is due, oldest first; nobody else gets it before `leaseUntil`. */
  async claim(now: Date, leaseUntil: Date, limit: number): Promise<QueuedWebhook[]> {
    const { rows } = await this.pool.query<{
      id: string;
      body: string;
      attempts: number;
      created_at: Date;
      sequence: string;
    }>(
      `UPDATE webhooks SET due_at = $2, attempts = attempts + 1
       WHERE id IN (SELECT id FROM webhooks WHERE due_at <= $1 ORDER BY sequence LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING id, body, attempts, created_at, sequence`,
      [now, leaseUntil, limit],
    );
    return rows
      .toSorted((one, other) => Number(one.sequence) - Number(other.sequence))
      .map(({ id, body, attempts, created_at }) => ({ id, body, attempts, createdAt: created_at }));
  }

  /** It was taken, or is given up. */
  async remove(id: string): Promise<void> {
    await this.pool.query('DELETE FROM webhooks WHERE id = $1', [id]);
  }

  async postpone(id: string, dueAt: Date): Promise<void> {
    await this.pool.query('UPDATE webhooks SET due_at = $2 WHERE id = $1', [id, dueAt]);
  }
}
