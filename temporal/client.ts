/**
 * The one client of workflows: everything that the product asks of Temporal, save running workers.
 *
 * Invariants:
 * - A workflow that runs already counts as started; who is started or signalled judges by the rows.
 * - Every call has a deadline, so that an unavailable Temporal is noticed soon.
 * - A signal carries the id of the event behind it, so that Temporal drops a repeat while the same run lives. (The
 *   SDK's own signals carry a random id, so they are requested of the service itself.)
 */
import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  WithStartWorkflowOperation,
  type Client,
  type Workflow,
} from '@temporalio/client';
import { encodeWorkflowIdReusePolicy, toPayloads, type Payload } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { WorkflowStart } from '../contracts/workflows/workflows';
import { grpcCodes } from './grpc-codes';

export interface Signal {
  name: string;
  args: readonly unknown[];
  /** Of the event that it follows from; without one every signal arrives. */
  eventId?: string;
}

export interface Update {
  name: string;
  /** Temporal runs an update once for each id. */
  id: string;
  args: unknown[];
}

interface CallOptions {
  withinMs?: number;
}

const defaultWithinMs = 10_000;
/** A visibility store answers slowly when it is large; only the reconciliation waits, between two heartbeats. */
const visibilityWithinMs = 45_000;
const { TaskQueueType } = temporal.api.enums.v1;

/** What a start leaves alone: a workflow of the same id that runs. One that has ended is no obstacle. */
const unlessRunning = {
  workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  workflowIdConflictPolicy: 'USE_EXISTING',
} as const;

export class WorkflowClient {
  readonly #sdk: Client;

  /** @param sdk Temporal's own client, over any connection */
  constructor(sdk: Client) {
    this.#sdk = sdk;
  }

  /** Starts a workflow unless it runs. */
  async start<Input>(start: WorkflowStart<Input>, options?: CallOptions): Promise<void> {
    const { workflowType, summary, ...rest } = start;
    await this.#call(options, () =>
      this.#sdk.workflow.start(workflowType, { ...rest, ...unlessRunning, staticSummary: summary }),
    );
  }

  /** Starts a workflow unless it runs, and waits for its answer to an update. */
  async updateWithStart<Result, Input>(
    start: WorkflowStart<Input>,
    { name, id, args }: Update,
    options?: CallOptions,
  ): Promise<Result> {
    const { workflowType, summary, ...rest } = start;
    const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(workflowType, {
      ...rest,
      ...unlessRunning,
      staticSummary: summary,
    });
    return this.#call(options, () =>
      this.#sdk.workflow.executeUpdateWithStart<Workflow, Result, unknown[]>(name, {
        startWorkflowOperation,
        updateId: id,
        args,
      }),
    );
  }

  /** Starts a workflow unless it runs, and signals it. */
  async signalWithStart<Input>(
    start: WorkflowStart<Input>,
    signal: Signal,
    options?: CallOptions,
  ): Promise<void> {
    const { namespace, identity } = this.#sdk.options;
    const [input, signalInput, [summary]] = await Promise.all([
      this.#payloads(start.args),
      this.#payloads(signal.args),
      this.#payloads([start.summary]),
    ]);
    await this.#call(options, () =>
      this.#sdk.workflowService.signalWithStartWorkflowExecution({
        namespace,
        identity,
        workflowId: start.workflowId,
        workflowType: { name: start.workflowType },
        workflowIdReusePolicy: encodeWorkflowIdReusePolicy(unlessRunning.workflowIdReusePolicy),
        taskQueue: { name: start.taskQueue },
        input: { payloads: input },
        signalName: signal.name,
        signalInput: { payloads: signalInput },
        requestId: signal.eventId ?? randomUUID(),
        userMetadata: { summary },
      }),
    );
  }

  /** @returns false when no such workflow runs */
  async signalIfRunning(workflowId: string, signal: Signal, options?: CallOptions): Promise<boolean> {
    const { namespace, identity } = this.#sdk.options;
    const payloads = await this.#payloads(signal.args);
    try {
      await this.#call(options, () =>
        this.#sdk.workflowService.signalWorkflowExecution({
          namespace,
          identity,
          workflowExecution: { workflowId },
          signalName: signal.name,
          input: { payloads },
          requestId: signal.eventId ?? randomUUID(),
        }),
      );
      return true;
    } catch (error) {
      if (isGrpcServiceError(error) && (error.code as number) === grpcCodes.notFound) return false;
      throw error;
    }
  }

  /** Counts the workflows of a type that run. */
  async countRunning(workflowType: string): Promise<number> {
    const query = `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'`;
    const { count } = await this.#call({ withinMs: visibilityWithinMs }, () =>
      this.#sdk.workflow.count(query),
    );
    return count;
  }

  /** @returns those of the ids whose workflow runs */
  async runningOf(workflowIds: readonly string[]): Promise<Set<string>> {
    const running = new Set<string>();
    if (workflowIds.length === 0) return running;
    const names = workflowIds.map((id) => `'${id.replaceAll("'", "''")}'`).join(', ');
    const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${names})`;
    await this.#call({ withinMs: visibilityWithinMs }, async () => {
      for await (const { workflowId } of this.#sdk.workflow.list({ query })) running.add(workflowId);
    });
    return running;
  }

  /** Creates a schedule unless there is one; rounds do not overlap, and missed ones are not made up for. */
  async ensureSchedule(
    start: Omit<WorkflowStart<never>, 'args' | 'summary'>,
    everyMs: number,
  ): Promise<void> {
    const { workflowType, workflowId, taskQueue } = start;
    try {
      await this.#call({}, () =>
        this.#sdk.schedule.create({
          scheduleId: workflowId,
          spec: { intervals: [{ every: everyMs }] },
          policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: 60_000 },
          action: { type: 'startWorkflow', workflowType, workflowId, taskQueue, args: [] },
        }),
      );
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }

  /** Starts a round of a schedule out of turn, unless one runs. */
  async triggerSchedule(scheduleId: string, options?: CallOptions): Promise<void> {
    const schedule = this.#sdk.schedule.getHandle(scheduleId);
    await this.#call(options, () => schedule.trigger(ScheduleOverlapPolicy.SKIP));
  }

  /** Lists who polled a task queue within the last minutes, by their identities. */
  async pollersOf(
    taskQueue: string,
    options?: CallOptions,
  ): Promise<{ workflow: string[]; activity: string[] }> {
    const { namespace } = this.#sdk.options;
    const identities = async (taskQueueType: temporal.api.enums.v1.TaskQueueType): Promise<string[]> => {
      const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType };
      const { pollers } = await this.#sdk.workflowService.describeTaskQueue(request);
      return pollers.map(({ identity }) => identity ?? '');
    };
    const [workflow, activity] = await this.#call(options, () =>
      Promise.all([
        identities(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        identities(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
      ]),
    );
    return { workflow, activity };
  }

  /** @throws when Temporal or the namespace is not there */
  async checkReachable(options?: CallOptions): Promise<void> {
    const { namespace } = this.#sdk.options;
    await this.#call(options, () => this.#sdk.workflowService.describeNamespace({ namespace }));
  }

  #call<T>({ withinMs = defaultWithinMs }: CallOptions = {}, request: () => Promise<T>): Promise<T> {
    return this.#sdk.withDeadline(Date.now() + withinMs, request);
  }

  async #payloads(values: readonly unknown[]): Promise<Payload[]> {
    const { payloadConverter, payloadCodecs } = this.#sdk.options.loadedDataConverter;
    let payloads = toPayloads(payloadConverter, ...values) ?? [];
    for (const codec of payloadCodecs) payloads = await codec.encode(payloads);
    return payloads;
  }
}
