/** Which providers charge a subscription before and after a change, each looked up once and only when it is asked for. */
import type { Database, Transaction } from '../../prisma/client';
import type { SubscriptionRow } from '../rows';
import { findProviderToCharge } from './store';

export class Chargers {
  private readonly found = new Map<string | null, Promise<string | null>>();

  /** @param methodId that the change is to be charged with; null: as before */
  constructor(
    private readonly on: Database | Transaction,
    private readonly row: SubscriptionRow,
    private readonly methodId: string | null,
  ) {}

  /** The provider that charges now; null: there is no method. */
  before(): Promise<string | null> {
    return this.find(null);
  }

  /** The provider that charges the change, and from then on. */
  after(): Promise<string | null> {
    return this.find(this.methodId);
  }

  private find(methodId: string | null): Promise<string | null> {
    const known = this.found.get(methodId);
    if (known !== undefined) return known;
    const found = findProviderToCharge(this.on, this.row, methodId);
    this.found.set(methodId, found);
    return found;
  }
}
