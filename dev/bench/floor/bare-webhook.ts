/**
 * The bare floor of webhooks: an Express route that parses JSON and does one INSERT. A process of its own, as the API is.
 *
 * No signature, no check, no event, no transaction but the statement's. Tells its port as one line of JSON.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Pool } from 'pg';

async function main(): Promise<void> {
  const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
  await pool.query('CREATE TABLE IF NOT EXISTS bench_webhooks (id TEXT PRIMARY KEY, body JSONB NOT NULL)');
  const app = express();
  app.post('/webhooks/sandbox', express.json({ limit: '1mb' }), async (request, response) => {
    const event = request.body as { id: string };
    await pool.query('INSERT INTO bench_webhooks (id, body) VALUES ($1, $2)', [event.id, event]);
    response.json({ received: true });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
}

void main();
