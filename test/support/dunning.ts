/**
 * Subscriptions whose renewals fail, on a whole system: how they come to be, what the policy announced for them, and
 * what became of them. Their customers live in Berlin, by a test clock, at 10.00 EUR a month.
 */
import { randomUUID } from 'node:crypto';
import type { Json, TestSystem } from './system';

export interface Dunned {
  id: string;
  customer: string;
  /** What the renewals are charged with. */
  method: string;
}

export interface Failing {
  /** Of the sandbox; decides about renewals. */
  token: string;
  policy?: string;
  /** The card's network. */
  brand?: string;
}

/** A date of a preview. */
export interface Announced {
  kind: 'attempt' | 'reminder' | 'final_action';
  at: string;
  reason: string;
}

export interface MadeAttempt {
  trigger: string;
  status: string;
  /** By the customer's clock. */
  finished_at: string;
}

export class Dunning {
  private methods = 0;

  constructor(private readonly its: TestSystem) {}

  async putPolicy(id: string, document: Json): Promise<void> {
    const { status, body } = await this.its.call('PUT', `/retry-policies/${id}`, document);
    if (status !== 200)
      throw new Error(`PUT /retry-policies/${id} answered ${status}: ${JSON.stringify(body)}`);
  }

  /** A subscription whose first period is paid with a good card, and every renewal charged with `token`. */
  async subscribed(clock: string, { token, policy = 'default', brand }: Failing): Promise<Dunned> {
    const { customer, order } = await this.its.buyer('tok_ok', clock);
    const wanted = { ...order, retry_policy_id: policy };
    const { status, body } = await this.its.call('POST', '/subscriptions', wanted, randomUUID());
    if (status !== 201) throw new Error(`POST /subscriptions answered ${status}: ${JSON.stringify(body)}`);
    const id = String(body['id']);
    return { id, customer, method: await this.paysWith({ id, customer }, token, brand) };
  }

  /** Another payment method from now on. @returns its id */
  async paysWith({ id, customer }: Omit<Dunned, 'method'>, token: string, brand?: string): Promise<string> {
    const method = await this.methodOf(customer, token, brand);
    const { status, body } = await this.its.call('PUT', `/subscriptions/${id}`, {
      payment_method_id: method,
    });
    if (status !== 200) throw new Error(`PUT /subscriptions answered ${status}: ${JSON.stringify(body)}`);
    return method;
  }

  methodOf(customer: string, token: string, brand?: string): Promise<string> {
    this.methods += 1;
    // What follows the # tells tokens apart.
    const method = { provider: 'sandbox', token: `${token}#dunning-${this.methods}`, brand };
    return this.its.made(`/customers/${customer}/payment-methods`, method);
  }

  read({ id }: Dunned): Promise<Json> {
    return this.its.get(`/subscriptions/${id}`);
  }

  /** The payment of the second period. */
  async renewal({ id }: Dunned): Promise<Json> {
    const { data } = (await this.its.get(`/subscriptions/${id}/periods`)) as { data: Json[] };
    return this.its.get(`/payments/${String(data[1]?.['payment_id'])}`);
  }

  /** Its attempts, oldest first. */
  async attempts(dunned: Dunned): Promise<MadeAttempt[]> {
    return (await this.renewal(dunned))['attempts'] as MadeAttempt[];
  }

  /** Each attempt's `trigger status`. */
  async reported(dunned: Dunned): Promise<string[]> {
    return (await this.attempts(dunned)).map(({ trigger, status }) => `${trigger} ${status}`);
  }

  /** What was said of it on subscriptions.updated. */
  changes({ id }: Dunned): unknown[] {
    return this.its.topics.of(id, 'subscriptions.updated').map(({ event }) => event.data['changes']);
  }

  /** What the policy announces for a failure that just happened. */
  async announced(policy: string, failure: Json): Promise<Announced[]> {
    const path = `/retry-policies/${policy}/preview`;
    const { status, body } = await this.its.call('POST', path, failure);
    if (status !== 200) throw new Error(`POST ${path} answered ${status}: ${JSON.stringify(body)}`);
    return body['entries'] as Announced[];
  }

  /** How often the customer's money was really taken. */
  async taken({ customer }: Dunned): Promise<number> {
    return (await this.its.charges(customer)).filter(({ status }) => status === 'succeeded').length;
  }
}
