/**
 * Whether Kafka and its topics are there, over one connection that stays.
 *
 * Invariants: while Kafka answers no connection is opened; one that fails or hangs is replaced, at once when it is an old
 * one, so that neither an idle connection that the broker closed nor a restart of Kafka is taken for an outage.
 */
import type { KafkaAdmin, KafkaClient } from '../bridge/kafka/port';
import { within } from '../bridge/within';
import type { ReadinessCheck } from '../api/http/dependencies';
import { topicFault } from './provision';

/** A check has 2 s: an old connection is given up in time for another. */
const oldAnswersWithinMs = 900;
const newAnswersWithinMs = 1_900;

export class KafkaReadiness {
  private kept: Promise<KafkaAdmin> | undefined;

  constructor(private readonly kafka: Pick<KafkaClient, 'admin'>) {}

  /** The checks of the API. */
  checks(): ReadinessCheck[] {
    return [
      { name: 'kafka', check: () => this.use(async (admin) => void (await admin.describeTopics([]))) },
      {
        name: 'topics',
        check: async () => {
          const fault = await this.use(topicFault);
          if (fault !== null) throw new Error(fault);
        },
      },
    ];
  }

  async close(): Promise<void> {
    const kept = this.kept;
    this.kept = undefined;
    if (kept !== undefined) await kept.then((admin) => admin.close()).catch(() => undefined);
  }

  private async use<T>(work: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
    const old = this.kept;
    if (old !== undefined) {
      try {
        return await within(oldAnswersWithinMs, old.then(work));
      } catch {
        this.drop(old);
      }
    }
    const fresh = (this.kept ??= this.kafka.admin());
    try {
      return await within(newAnswersWithinMs, fresh.then(work));
    } catch (error) {
      this.drop(fresh);
      throw error;
    }
  }

  private drop(admin: Promise<KafkaAdmin>): void {
    if (this.kept === admin) this.kept = undefined;
    void admin.then((one) => one.close()).catch(() => undefined);
  }
}
