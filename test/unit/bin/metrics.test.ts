import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Metrics, serveMetrics } from '../../../bin/metrics';
import type { ProcessContext } from '../../../bin/process';
import { loadConfig } from '../../../config';
import { closeDatabase, createDatabase } from '../../../prisma/client';
import { pickFreePort } from '../../../dev/platform/ports';

const contextWith = (port: number): ProcessContext => ({
  config: loadConfig({ METRICS_PORT: String(port) }),
  log: pino({ level: 'silent' }),
  onFatal: () => undefined,
});

describe('the metrics of a process', () => {
  it('are served as text, with what was announced and found', async () => {
    const port = await pickFreePort();
    const metrics = new Metrics();
    metrics.onPublished({ paused: false, published: 3, late_ms: 2_000, next_due_at: null, wait_ms: 0 });
    metrics.onPublished({ paused: false, published: 0, late_ms: 0, next_due_at: null, wait_ms: 0 });
    metrics.onFound({ due_not_opened: 2 });
    metrics.onWebhook('sandbox', 'bad_signature');
    const [part] = await serveMetrics(metrics, contextWith(port));
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain('perennial_renewals_announced_total 3');
    expect(text).toContain('perennial_renewal_lateness_seconds_count 1');
    expect(text).toContain('perennial_stuck_work_found_total{predicate="due_not_opened"} 2');
    expect(text).toContain('perennial_webhooks_total{provider="sandbox",result="bad_signature"} 1');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    await part?.close();
  });

  it('I14: leave out what cannot be read of the database, and have the rest', async () => {
    const logged: string[] = [];
    const metrics = new Metrics();
    // Nothing listens on port 1: every connection is refused at once.
    const db = createDatabase('postgresql://perennial:perennial@127.0.0.1:1/none', 2);
    metrics.watchDatabase(db, pino({}, { write: (line: string) => void logged.push(line) }));
    const text = await metrics.text();
    expect(text).not.toMatch(/^perennial_(outbox|dead_letters)\w* \d/m);
    expect(text).toContain('process_cpu_user_seconds_total');
    expect(logged.join()).toContain('backlog not read');
    await closeDatabase(db);
  });

  it('are not served on port 0, and name a port that is taken and its variable', async () => {
    expect(await serveMetrics(new Metrics(), contextWith(0))).toEqual([]);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(serveMetrics(new Metrics(), contextWith(port))).rejects.toThrow(/METRICS_PORT/);
    taken.close();
  });
});
