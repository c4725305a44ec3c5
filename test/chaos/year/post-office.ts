/**
 * Stands between the sandbox provider and the API: webhooks are delivered, lost, late or come twice, as the life of their
 * customer says.
 *
 * Invariant: lost is only what a lookup or an answer says, too. What a webhook alone reports (disputes, refunds by hand,
 * what was decided otherwise afterwards) comes, however late.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from '../random';
import type { WebhookFate } from './life';

interface SandboxWebhook {
  id: string;
  type: string;
  data: {
    id: string;
    charge_id?: string;
    idempotency_key?: string | null;
    metadata?: { customer_id?: string };
  };
}

export class PostOffice {
  /** What was lost: event type and subject. */
  readonly lost = new Set<string>();
  readonly counts = new Map<WebhookFate, number>();
  private readonly fates = new Map<string, () => WebhookFate>();
  /** The customer of a charge. */
  private readonly customers = new Map<string, string>();
  /** Of charges and refunds, whose first outcome is known. */
  private readonly reported = new Set<string>();
  /** Of a late webhook, how often it is still refused. */
  private readonly refusals = new Map<string, number>();
  private target = '';

  private constructor(readonly url: string) {}

  /** Opens on a free port; what comes before `deliverTo` is refused, so that it comes again. */
  static async open(): Promise<PostOffice> {
    let office: PostOffice | undefined;
    const server = createServer((request, response) => {
      const answered = office?.take(request) ?? Promise.resolve(503);
      void answered.catch(() => 503).then((status) => response.writeHead(status).end());
    });
    server.unref();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    office = new PostOffice(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return office;
  }

  deliverTo(url: string): void {
    this.target = url;
  }

  /** From now on the webhooks of a customer have these fates, by their weights. */
  follow(customer: string, random: Random, weights: readonly (readonly [WebhookFate, number])[]): void {
    this.fates.set(customer, () => random.weighted(weights));
  }

  private async take(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const webhook = JSON.parse(body.toString()) as SandboxWebhook;
    const left = this.refusals.get(webhook.id);
    if (left !== undefined) {
      this.refusals.set(webhook.id, left - 1);
      return left > 0 ? 503 : this.forward(request, body);
    }
    const fate = this.fateOf(webhook);
    this.counts.set(fate, (this.counts.get(fate) ?? 0) + 1);
    // The number of refusals is drawn from the id: a webhook that comes again is the same.
    this.refusals.set(webhook.id, fate === 'late' ? webhook.id.charCodeAt(webhook.id.length - 1) % 4 : 0);
    if (fate === 'late') return 503;
    if (fate === 'lost') {
      this.lost.add(`${webhook.type} ${webhook.data.id}`);
      return 200;
    }
    if (fate === 'twice') await this.forward(request, body);
    return this.forward(request, body);
  }

  private fateOf({ type, data }: SandboxWebhook): WebhookFate {
    const charge = data.charge_id ?? data.id;
    const customer = data.metadata?.customer_id ?? this.customers.get(charge);
    if (customer === undefined) return 'delivered';
    this.customers.set(charge, customer);
    const fate = this.fates.get(customer)?.() ?? 'delivered';
    const isFirst = !this.reported.has(data.id);
    this.reported.add(data.id);
    const isOurs =
      type.startsWith('charge.') || (type === 'refund.succeeded' && data.idempotency_key !== null);
    return fate === 'lost' && !(isFirst && isOurs) ? 'late' : fate;
  }

  private async forward({ headers }: IncomingMessage, body: Buffer): Promise<number> {
    const kept = Object.entries(headers).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && /^(webhook-|content-type|user-agent)/.test(entry[0]),
    );
    const response = await fetch(this.target, {
      method: 'POST',
      headers: Object.fromEntries(kept),
      body: new Uint8Array(body),
    });
    await response.body?.cancel();
    return response.status;
  }
}
