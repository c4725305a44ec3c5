/**
 * The metrics of a process: Prometheus' text on `/metrics`, on a port of its own.
 *
 * Owns: names, units and help of every metric. Invariant: no label holds an id, so that their number stays small.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PublishedBatch } from '../activities/retry';
import type { Found } from '../activities/reconciliation';
import { readBacklog } from '../bridge/backlog';
import type { Database } from '../prisma/client';
import type { Part, ProcessContext } from './process';

export class Metrics {
  private readonly registry = new Registry();
  private readonly lateness = new Histogram({
    name: 'perennial_renewal_lateness_seconds',
    help: 'Delay between the due instant of a subscription and its announcement; the oldest of each batch.',
    buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 21_600],
    registers: [this.registry],
  });
  private readonly announced = new Counter({
    name: 'perennial_renewals_announced_total',
    help: 'Subscriptions that the scheduler announced as due.',
    registers: [this.registry],
  });
  private readonly stuckWork = new Counter({
    name: 'perennial_stuck_work_found_total',
    help: 'Stuck work that the reconciliation found, by predicate.',
    labelNames: ['predicate'],
    registers: [this.registry],
  });
  private readonly webhooks = new Counter({
    name: 'perennial_webhooks_total',
    help: 'Webhooks by result: stored, duplicate, or the reason of the refusal.',
    labelNames: ['provider', 'result'],
    registers: [this.registry],
  });

  private readonly notifications = new Counter({
    name: 'perennial_notifications_total',
    help: 'Notifications by status: sent, skipped, failed.',
    labelNames: ['template', 'channel', 'status'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  readonly onPublished = ({ published, late_ms: lateMs }: PublishedBatch): void => {
    if (published === 0) return;
    this.announced.inc(published);
    this.lateness.observe(lateMs / 1_000);
  };

  readonly onFound = (found: Found): void => {
    for (const [predicate, count] of Object.entries(found)) this.stuckWork.inc({ predicate }, count);
  };

  readonly onWebhook = (provider: string, result: string): void => this.webhooks.inc({ provider, result });

  readonly onNotification = (template: string, channel: string, status: string): void =>
    this.notifications.inc({ template, channel, status });

  /** Reads the outbox and the dead letters at each scrape. */
  watchDatabase(db: Database): void {
    const registers = [this.registry];
    const oldest = new Gauge({
      name: 'perennial_outbox_oldest_seconds',
      help: 'Age of the oldest committed event that is not published yet; 0 when there is none.',
      registers,
    });
    const open = new Gauge({
      name: 'perennial_dead_letters_open',
      help: 'Dead letters without a decision of an operator.',
      registers,
      async collect() {
        const backlog = await readBacklog(db);
        this.set(backlog.open_dead_letters);
        oldest.set(backlog.oldest_unpublished_seconds);
      },
    });
    open.set(0);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }
}

/** Serves them, unless METRICS_PORT is 0. @throws when the port is taken */
export async function serveMetrics(metrics: Metrics, { config, log }: ProcessContext): Promise<Part[]> {
  if (config.METRICS_PORT === 0) return [];
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      (error: unknown) => {
        log.warn({ err: error }, 'metrics not collected');
        response.writeHead(503).end();
      },
    );
  });
  server.listen(config.METRICS_PORT, config.API_HOST);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${config.METRICS_PORT} is taken; the metrics need it. Stop what listens there, or set METRICS_PORT (0: no metrics).`,
    );
  });
  return [
    {
      name: 'metrics',
      async close() {
        server.close();
        server.closeAllConnections();
      },
    },
  ];
}
