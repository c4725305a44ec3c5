/**
 * The trace contexts of rows and commands.
 *
 * Rows hold them, because messages may be lost: the work that continues a row continues its trace. Rows and messages of
 * before there were any have one that is derived from what they are about.
 */
import type { Traced } from '../contracts/workflows/commands';
import { derivedTrace, type TraceContext } from '../domain/trace';
import type { AttemptRow, PaymentRow } from './rows';

/** The trace of what happened to a payment last. */
export function traceOfPayment({ id, trace }: Pick<PaymentRow, 'id' | 'trace'>): TraceContext {
  return trace ?? derivedTrace(['payment', id]);
}

/** The trace that the events of an attempt carry. */
export function traceOfAttempt(
  { trace }: Pick<AttemptRow, 'trace'>,
  payment: Pick<PaymentRow, 'id' | 'trace'>,
): TraceContext {
  return trace ?? traceOfPayment(payment);
}

/** The trace of the call that a command came with. */
export function traceOfCommand(command: Traced & { command_id: string }): TraceContext {
  return sentTrace(command) ?? derivedTrace(['command', command.command_id]);
}

/** The trace that a message brings; null: none. */
export function sentTrace({ traceparent, tracestate }: Traced): TraceContext | null {
  if (traceparent === undefined) return null;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}
