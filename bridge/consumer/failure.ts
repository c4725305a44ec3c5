/**
 * Why a record was not handled, and for how long it is tried again.
 *
 * Invariants:
 * - What is unavailable is waited for without end: the record is as good as it was.
 * - Every other failure ends: the record becomes a dead letter, at the latest after `usualLimits.fault`.
 * - Time during which something was unavailable counts for nothing.
 */
import { types } from 'node:util';
import { isDatabaseOutOfOrder, refusesData, sqlStateOf } from '../../billing/database-unavailable';
import { Unprocessable } from '../../billing/unprocessable';
import { UnreadableEvent } from '../../contracts/topics/envelope';
import { isTemporalUnavailable } from '../../temporal/unavailable';
import { InProgress } from '../notifications/inbox';
import { Deferred, Unreachable } from '../notifications/port';

/**
 * - `refused`: it can never be handled.
 * - `absent`: what it is about may not have been committed yet.
 * - `data`: PostgreSQL or Prisma refuses what the record has us write.
 * - `fault`: anything else that we threw.
 * - `unavailable`: PostgreSQL, Temporal or a receiver of notifications.
 */
export type FailureKind = 'refused' | 'absent' | 'data' | 'fault' | 'unavailable';

/** Prisma's names of values and constraints that are refused, and its own check of what it is given. */
const dataCodes = /^P20(00|02|03|05|06|07|11|19|20|23|33)$/;

/** The one place that decides what a failure means. */
export function failureKind(error: unknown): FailureKind {
  if (error instanceof UnreadableEvent) return 'refused';
  if (error instanceof Unprocessable) return error.mayAppear ? 'absent' : 'refused';
  if (error instanceof InProgress || error instanceof Deferred || error instanceof Unreachable)
    return 'unavailable';
  const state = sqlStateOf(error);
  if (isDatabaseOutOfOrder(error) || isTemporalUnavailable(error) || isOfTheSystem(error))
    return 'unavailable';
  if (state !== undefined) return refusesData(state) ? 'data' : 'fault';
  const { name, code } = Object(error) as { name?: unknown; code?: unknown };
  const isData = name === 'PrismaClientValidationError' || (typeof code === 'string' && dataCodes.test(code));
  return isData ? 'data' : 'fault';
}

/** Node.js names the call of the system that failed: a socket, a file, a name. */
function isOfTheSystem(error: unknown): boolean {
  return types.isNativeError(error) && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** For how long a record is tried again that fails so, milliseconds. */
export type Limits = Readonly<Record<'absent' | 'data' | 'fault', number>>;

export const usualLimits: Limits = { absent: 60_000, data: 60_000, fault: 600_000 };

/** The failures of one record, one after the other. */
export class Failures {
  private sinceMs: number | undefined;

  constructor(private readonly limits: Limits) {}

  /** @param nowMs of a clock that never goes back. @returns whether the record is to be tried again */
  isToBeRepeated(kind: FailureKind, nowMs: number): boolean {
    if (kind === 'unavailable') {
      this.sinceMs = undefined;
      return true;
    }
    this.sinceMs ??= nowMs;
    return kind !== 'refused' && nowMs - this.sinceMs < this.limits[kind];
  }
}

/** Why a record is given up, for operators; `code` is stable. */
export interface Refusal {
  code: string;
  message: string;
}

export function refusalOf(error: unknown): Refusal {
  if (error instanceof UnreadableEvent || error instanceof Unprocessable)
    return { code: error.code, message: error.message };
  const { name, message } = types.isNativeError(error) ? error : { name: 'Error', message: String(error) };
  // Prisma quotes what it was given, and names what is wrong with it last.
  const words = message.trim().split('\n').at(-1) ?? '';
  const state = sqlStateOf(error);
  return { code: 'handler_failed', message: `${state === undefined ? name : `SQLSTATE ${state}`}: ${words}` };
}
