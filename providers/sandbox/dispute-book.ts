/**
 * The sandbox provider's book of disputes.
 *
 * Owns: rows of disputes. Invariants: a charge has one dispute at a time that is not decided; open and lost ones never
 * hold more than the charge took; a turn and the webhook that tells of it commit together.
 */
import type { Pool, PoolClient } from 'pg';
import { mayTurn, type Dispute, type DisputeStatus } from './dispute';
import { noSuch, Refusal } from './requests';
import { lockStanding } from './standing';
import { inTransaction } from './transaction';
import type { WebhookQueue } from './webhook-queue';
import type { SandboxEventType } from './webhooks';

export interface DisputeDraft {
  id: string;
  chargeId: string;
  /** Default: what is left of the charge. */
  amount?: number | undefined;
  reason: string;
  /** It asks, and takes no money. */
  inquiry: boolean;
  createdAt: Date;
}

interface DisputeRow extends Omit<Dispute, 'amount' | 'created_at'> {
  amount: string;
  created_at: Date;
}

const columns = 'id, charge_id, amount, currency, status, reason, created_at';

const eventTypes: Readonly<Record<DisputeStatus, SandboxEventType>> = {
  inquiry: 'dispute.inquiry',
  open: 'dispute.opened',
  won: 'dispute.won',
  lost: 'dispute.lost',
};

export class DisputeBook {
  /** @param webhooks null: nobody is told of anything */
  constructor(
    private readonly pool: Pool,
    private readonly webhooks: WebhookQueue | null,
  ) {}

  /**
   * The customer's bank takes the money back, or asks about it. A charge whose dispute is not decided yet keeps that one.
   * @throws Refusal `not_found`, `charge_not_disputable`
   */
  async open(draft: DisputeDraft): Promise<Dispute> {
    return this.done((client) => this.openUnderLock(client, draft));
  }

  /** The bank decides, or changes its mind. @throws Refusal `not_found`, `dispute_not_changeable` */
  async turn(id: string, status: DisputeStatus, now: Date): Promise<Dispute> {
    return this.done(async (client) => {
      const known = await this.find(client, id);
      const standing = known && (await lockStanding(client, known.charge_id));
      const current = await this.find(client, id);
      if (current === undefined || standing === undefined) {
        throw noSuch('dispute');
      }
      if (current.status === status) return current;
      if (!mayTurn(current.status, status)) {
        throw new Refusal('dispute_not_changeable', `The dispute is ${current.status}.`);
      }
      const takes = status === 'open' && standing.disputed + current.amount > standing.charge.amount;
      if (takes) throw new Refusal('dispute_not_changeable', 'Other disputes took that much of the charge.');
      const { rows } = await client.query<DisputeRow>(
        `UPDATE charge_disputes SET status = $2 WHERE id = $1 RETURNING ${columns}`,
        [id, status],
      );
      return this.recorded(client, rows, now);
    });
  }

  /** The disputes of a charge, newest first. */
  async list(chargeId: string): Promise<Dispute[]> {
    const { rows } = await this.pool.query<DisputeRow>(
      `SELECT ${columns} FROM charge_disputes WHERE charge_id = $1 ORDER BY sequence DESC LIMIT 100`,
      [chargeId],
    );
    return rows.map(disputeOf);
  }

  /** Opens the disputes that tokens asked for, once their time has come. @param newId for each */
  async openDue(now: Date, newId: () => string): Promise<void> {
    const due = 'FROM late_disputes WHERE due_at <= $1';
    // Asked often, and nearly always in vain.
    const { rows } = await this.pool.query<{ due: boolean }>(`SELECT EXISTS (SELECT ${due}) AS due`, [now]);
    if (!rows[0]?.due) return;
    await inTransaction(this.pool, async (client) => {
      const { rows: taken } = await client.query<{ charge_id: string }>(
        `DELETE FROM late_disputes WHERE charge_id IN (
           SELECT charge_id ${due} ORDER BY charge_id FOR UPDATE SKIP LOCKED
         ) RETURNING charge_id`,
        [now],
      );
      for (const { charge_id: chargeId } of taken.toSorted((a, b) => (a.charge_id < b.charge_id ? -1 : 1))) {
        const draft = { id: `dp_${newId()}`, chargeId, reason: 'fraudulent', inquiry: false, createdAt: now };
        await this.openUnderLock(client, draft).catch((error: unknown) => {
          // Given back before its time: nothing is left to dispute.
          if (!(error instanceof Refusal)) throw error;
        });
      }
      return true;
    });
  }

  private async openUnderLock(client: PoolClient, draft: DisputeDraft): Promise<Dispute> {
    const { id, chargeId, reason, inquiry, createdAt } = draft;
    const standing = await lockStanding(client, chargeId);
    if (standing === undefined) throw noSuch('charge');
    const { rows: undecided } = await client.query<DisputeRow>(
      `SELECT ${columns} FROM charge_disputes WHERE charge_id = $1 AND status IN ('inquiry', 'open') LIMIT 1`,
      [chargeId],
    );
    if (undecided[0]) return disputeOf(undecided[0]);
    const { charge, disputed, left } = standing;
    if (charge.status !== 'succeeded') {
      throw new Refusal('charge_not_disputable', `The charge is ${charge.status}.`);
    }
    const amount = draft.amount ?? left;
    const most = charge.amount - disputed;
    if (amount < 1 || amount > most) {
      throw new Refusal('charge_not_disputable', `Of the charge ${most} minor units can be disputed.`);
    }
    const { rows } = await client.query<DisputeRow>(
      `INSERT INTO charge_disputes (id, charge_id, amount, currency, status, reason, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
      [id, chargeId, amount, charge.currency, inquiry ? 'inquiry' : 'open', reason, createdAt],
    );
    return this.recorded(client, rows, createdAt);
  }

  private async find(client: PoolClient, id: string): Promise<Dispute | undefined> {
    const { rows } = await client.query<DisputeRow>(`SELECT ${columns} FROM charge_disputes WHERE id = $1`, [
      id,
    ]);
    return rows[0] && disputeOf(rows[0]);
  }

  private async recorded(client: PoolClient, [row]: DisputeRow[], now: Date): Promise<Dispute> {
    if (row === undefined) throw new Error('A dispute under its charge’s lock is gone.');
    const dispute = disputeOf(row);
    await this.webhooks?.add(client, eventTypes[dispute.status], dispute, now);
    return dispute;
  }

  private async done(work: (client: PoolClient) => Promise<Dispute>): Promise<Dispute> {
    const dispute = await inTransaction(this.pool, work);
    if (dispute === undefined) throw new Error('A transaction that ends with a dispute has one.');
    return dispute;
  }
}

function disputeOf(row: DisputeRow): Dispute {
  return { ...row, amount: Number(row.amount), created_at: row.created_at.toISOString() };
}
