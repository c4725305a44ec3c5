/** Whoever gets the sandbox provider’s webhooks in a test: what came, in order, and what is answered. */
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  headers: IncomingMessage['headers'];
  text: string;
  event: {
    id: string;
    type: string;
    created_at: string;
    data: { id: string; idempotency_key?: string | null; charge_id?: string };
  };
}

export interface WebhookReceiver {
  url: string;
  received: ReceivedWebhook[];
  /** The HTTP status of every answer. */
  status: number;
  close(): Promise<unknown>;
}

/** Starts one that answers 200. */
export async function startReceiver(): Promise<WebhookReceiver> {
  const receiver: Omit<WebhookReceiver, 'url' | 'close'> = { received: [], status: 200 };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString();
      const event = JSON.parse(text) as ReceivedWebhook['event'];
      receiver.received.push({ headers: request.headers, text, event });
      const headers = receiver.status === 302 ? { location: '/elsewhere' } : {};
      response.writeHead(receiver.status, headers).end('thanks');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${port}/webhooks/sandbox`,
    close: () => new Promise((resolve) => server.close(resolve)),
  });
}
