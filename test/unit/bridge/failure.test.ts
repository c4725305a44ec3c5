import { DatabaseError } from 'pg';
import { failureKind, Failures, refusalOf, type FailureKind } from '../../../bridge/consumer/failure';
import { InProgress } from '../../../bridge/notifications/inbox';
import { Deferred, Unreachable } from '../../../bridge/notifications/port';
import { Unprocessable } from '../../../billing/unprocessable';
import { UnreadableEvent } from '../../../contracts/topics/envelope';
import { TemporalUnavailable } from '../../../temporal/unavailable';

const withFields = (fields: object, message = 'it failed') => Object.assign(new Error(message), fields);
const sqlState = (code: string) => Object.assign(new DatabaseError('it failed', 9, 'error'), { code });
const prisma = (code: string, originalCode?: string) =>
  withFields({
    code,
    ...(originalCode && { meta: { driverAdapterError: { cause: { originalCode } } } }),
  });
const grpc = (code: number) => withFields({ code, details: 'it failed', metadata: {} });
const within = (cause: Error) => new Error('Failed to start Workflow', { cause });

describe('what a failure means', () => {
  it.each<[string, unknown, FailureKind]>([
    ['a record that cannot be read', new UnreadableEvent('invalid_data', ''), 'refused'],
    ['a record that contradicts our rows', new Unprocessable('contradicts_payment', ''), 'refused'],
    ['a payment that is not there yet', new Unprocessable('unknown_payment', ''), 'absent'],
    ['a notification that is not due yet', new Unprocessable('not_due', ''), 'absent'],

    ['PostgreSQL 22021: a text with NUL', sqlState('22021'), 'data'],
    ['PostgreSQL 22003: a number out of range', sqlState('22003'), 'data'],
    ['PostgreSQL 22P05: JSON that cannot be kept', prisma('P2010', '22P05'), 'data'],
    ['PostgreSQL 23502: no value', sqlState('23502'), 'data'],
    ['PostgreSQL 23505: a value that is taken', sqlState('23505'), 'data'],
    ['PostgreSQL 54000: too large for an index', sqlState('54000'), 'data'],
    ['Prisma: no such reference', prisma('P2003'), 'data'],
    ['Prisma: a value out of range', prisma('P2020'), 'data'],
    ['Prisma: an argument of another kind', withFields({ name: 'PrismaClientValidationError' }), 'data'],

    ['PostgreSQL 08006: the connection is lost', sqlState('08006'), 'unavailable'],
    ['PostgreSQL 25006: it is read-only while it fails over', sqlState('25006'), 'unavailable'],
    ['PostgreSQL 28P01: another password', sqlState('28P01'), 'unavailable'],
    ['PostgreSQL 40001: a conflict', sqlState('40001'), 'unavailable'],
    ['PostgreSQL 40P01: a deadlock', sqlState('40P01'), 'unavailable'],
    ['PostgreSQL 42501: access is refused', sqlState('42501'), 'unavailable'],
    ['PostgreSQL 42P01: not migrated yet', prisma('P2021', '42P01'), 'unavailable'],
    ['PostgreSQL 53100: the disk is full', sqlState('53100'), 'unavailable'],
    ['PostgreSQL 53300: too many connections', sqlState('53300'), 'unavailable'],
    ['PostgreSQL 55P03: a lock is held', sqlState('55P03'), 'unavailable'],
    ['PostgreSQL 57014: it took too long', sqlState('57014'), 'unavailable'],
    ['PostgreSQL 57P01: it is shut down', sqlState('57P01'), 'unavailable'],
    ['PostgreSQL 57P03: it starts', sqlState('57P03'), 'unavailable'],
    ['Prisma: not reachable', prisma('P1001'), 'unavailable'],
    ['Prisma: no connection from the pool', prisma('P2024'), 'unavailable'],
    ['the driver: no connection', new Error('Connection terminated unexpectedly'), 'unavailable'],
    ['a refused connection', withFields({ code: 'ECONNREFUSED', syscall: 'connect' }), 'unavailable'],
    ['a full disk of ours', withFields({ code: 'ENOSPC', syscall: 'write' }), 'unavailable'],

    ['Temporal is not reached', new TemporalUnavailable('it does not answer'), 'unavailable'],
    ['Temporal: UNAVAILABLE', grpc(14), 'unavailable'],
    ['Temporal: RESOURCE_EXHAUSTED', within(grpc(8)), 'unavailable'],
    ['Temporal: DEADLINE_EXCEEDED', grpc(4), 'unavailable'],
    ['Temporal: NOT_FOUND, of the namespace', grpc(5), 'unavailable'],
    ['Temporal: PERMISSION_DENIED', grpc(7), 'unavailable'],
    ['Temporal: INTERNAL', grpc(13), 'unavailable'],
    ['Temporal: INVALID_ARGUMENT', within(grpc(3)), 'fault'],

    ['another sender has the notification', new InProgress(''), 'unavailable'],
    ['the receiver takes it later', new Deferred(''), 'unavailable'],
    ['the mail server is down', new Unreachable(''), 'unavailable'],

    ['PostgreSQL 42883: a mistake in a statement', sqlState('42883'), 'fault'],
    ['PostgreSQL XX000: an internal error', sqlState('XX000'), 'fault'],
    ['a mistake of ours', new TypeError('x is not a function'), 'fault'],
    ['a division by zero', new RangeError('Division by zero'), 'fault'],
    ['what is no error', 'text', 'fault'],
    ['nothing', undefined, 'fault'],
  ])('%s', (_, error, wanted) => {
    expect(failureKind(error)).toBe(wanted);
  });
});

describe('for how long a record is tried again', () => {
  const limits = { absent: 60, data: 60, fault: 600 };
  interface Try {
    kind: FailureKind;
    atMs: number;
  }
  const on = (kind: FailureKind, atMs: number): Try => ({ kind, atMs });

  it.each<[string, Try[], boolean]>([
    ['refused: never', [on('refused', 0)], false],
    ['absent: within its time', [on('absent', 0), on('absent', 59)], true],
    ['absent: no longer', [on('absent', 0), on('absent', 60)], false],
    ['data: no longer than its time', [on('data', 0), on('data', 60)], false],
    ['a fault: longer', [on('fault', 0), on('fault', 599)], true],
    ['a fault: no longer than its time', [on('fault', 0), on('fault', 600)], false],
    ['unavailable: without end', [on('unavailable', 0), on('unavailable', 1e9)], true],
    [
      'after an outage its time begins again',
      [on('absent', 0), on('unavailable', 30), on('absent', 1e6)],
      true,
    ],
    ['after an outage it ends as well', [on('unavailable', 0), on('fault', 10), on('fault', 610)], false],
    [
      'one kind after the other: from the first on',
      [on('absent', 0), on('fault', 50), on('absent', 70)],
      false,
    ],
  ])('%s', (_, tries, wanted) => {
    const failures = new Failures(limits);
    const repeated = tries.map(({ kind, atMs }) => failures.isToBeRepeated(kind, atMs));
    expect(repeated.at(-1)).toBe(wanted);
  });
});

describe('why a record is given up', () => {
  it.each<[string, unknown, { code: string; message: string }]>([
    [
      'as the refusal says',
      new Unprocessable('amount_too_large', '25 at most'),
      { code: 'amount_too_large', message: '25 at most' },
    ],
    [
      'of PostgreSQL, its state',
      sqlState('22021'),
      { code: 'handler_failed', message: 'SQLSTATE 22021: it failed' },
    ],
    [
      'of Prisma, without the arguments that it quotes',
      withFields(
        { name: 'PrismaClientValidationError' },
        'Invalid invocation\n{ email: "ada" }\nUnable to fit',
      ),
      { code: 'handler_failed', message: 'PrismaClientValidationError: Unable to fit' },
    ],
    [
      'of a mistake of ours, its name',
      new TypeError('x is not a function'),
      { code: 'handler_failed', message: 'TypeError: x is not a function' },
    ],
  ])('%s', (_, error, wanted) => {
    expect(refusalOf(error)).toEqual(wanted);
  });
});
