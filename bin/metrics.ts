/**
 * The metrics of a process: Prometheus' text on `/metrics`, on a port of its own.
 *
 * Owns: names, units and help of every metric. Invariant: no label holds an id, so that their number stays small.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PublishedBatch } from '../activities/retry';
import type { Found } from '../activities/reconciliation';
import { completedPasses, sweepName } from '../billing/reconcile/passes';
import { readBacklog, type Backlog } from '../bridge/backlog';
import { within } from '../bridge/within';
import type { WaitingReason } from '../bridge/consumer/consumer';
import { predicateNames } from '../domain/stuck-work';
import type { Database } from '../prisma/client';
import type { Health } from './health';
import type { Part, ProcessContext } from './process';

/** A scrape waits for 10 s by default. */
const readWithinMs = 5_000;

/** A gauge for each number of the backlog. */
const backlogGauges: Readonly<Record<keyof Backlog, { name: string; help: string }>> = {
  oldest_unpublished_seconds: {
    name: 'perennial_outbox_oldest_seconds',
    help: 'Age of the oldest committed event that is neither published nor parked; 0 when there is none.',
  },
  unpublished: {
    name: 'perennial_outbox_unpublished',
    help: 'Committed events that are neither published nor parked.',
  },
  parked: {
    name: 'perennial_outbox_parked',
    help: 'Events that Kafka refused for good; an operator decides.',
  },
  open_dead_letters: {
    name: 'perennial_dead_letters_open',
    help: 'Dead letters without a decision of an operator.',
  },
};
const passGauge = {
  name: 'perennial_reconciliation_completed_timestamp_seconds',
  help: 'When the reconciliation last saw all that a predicate asks about, since the epoch; 0: not yet.',
};
const backlogFields = Object.keys(backlogGauges) as (keyof Backlog)[];

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

  private readonly refusals = new Counter({
    name: 'perennial_api_refusals_total',
    help: 'Answers 401, 403 and 429 of the API, by where the caller is: loopback, private, public.',
    labelNames: ['status', 'caller'],
    registers: [this.registry],
  });
  private readonly notifications = new Counter({
    name: 'perennial_notifications_total',
    help: 'Notifications by status: sent, skipped, failed.',
    labelNames: ['template', 'channel', 'status'],
    registers: [this.registry],
  });

  private readonly waiting = new Gauge({
    name: 'perennial_records_waiting',
    help: 'Records that wait for their next try, by reason: unavailable, absent, failing.',
    labelNames: ['group', 'reason'],
    registers: [this.registry],
  });
  private readonly crashes = new Counter({
    name: 'perennial_consumer_crashes_total',
    help: 'Memberships of a group that its Kafka client gave up.',
    labelNames: ['group'],
    registers: [this.registry],
  });

  private readBacklog: () => Promise<void> = () => Promise.resolve();

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

  readonly onRefused = (status: number, caller: string): void =>
    this.refusals.inc({ status: String(status), caller });

  readonly onNotification = (template: string, channel: string, status: string): void =>
    this.notifications.inc({ template, channel, status });

  /** What a group reports while it consumes. */
  ofGroup(group: string) {
    return {
      onWaiting: (reason: WaitingReason, change: 1 | -1): void => this.waiting.inc({ group, reason }, change),
      onCrash: (): void => this.crashes.inc({ group }),
    };
  }

  /** Reads the outbox, the dead letters and the reconciliation's passes at each scrape. */
  watchDatabase(db: Database, log: Logger): void {
    const gauges = backlogFields.map((field) => {
      return [field, new Gauge({ ...backlogGauges[field], registers: [this.registry] })] as const;
    });
    const completed = new Gauge({ ...passGauge, labelNames: ['predicate'], registers: [this.registry] });
    this.readBacklog = async () => {
      try {
        const [backlog, passes] = await within(
          readWithinMs,
          Promise.all([readBacklog(db), completedPasses(db)]),
        );
        for (const [field, gauge] of gauges) gauge.set(backlog[field]);
        const at = new Map(passes.map((pass) => [pass.predicate, pass.completed_at?.getTime() ?? 0]));
        for (const predicate of [...predicateNames, sweepName]) {
          completed.set({ predicate }, (at.get(predicate) ?? 0) / 1_000);
        }
      } catch (error) {
        log.warn({ err: error }, 'backlog not read');
        // What is not known is left out; the others are still served.
        for (const [, gauge] of gauges) gauge.remove();
        completed.reset();
      }
    };
  }

  /** All that is known now: what is read of the database is read before. */
  async text(): Promise<string> {
    await this.readBacklog();
    return this.registry.metrics();
  }

  get contentType(): string {
    return this.registry.contentType;
  }
}

/**
 * Serves them, unless METRICS_PORT is 0.
 * @param health served beside them, where the process has it
 * @throws when the port is taken
 */
export async function serveMetrics(
  metrics: Metrics,
  { config, log }: ProcessContext,
  health?: Health,
): Promise<Part[]> {
  if (config.METRICS_PORT === 0) return [];
  const server = createServer((request, response) => {
    if (health?.answer(request.url, response) === true) return;
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
