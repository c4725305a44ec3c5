/**
 * Distinguishes "PostgreSQL is unavailable" from "we asked it something wrong".
 *
 * Owns: which errors of Prisma, its driver adapter and `pg` mean that the same request may succeed later.
 */
import { types } from 'node:util';

/** Prisma's names: not reachable, refused, closed (P1xxx); no connection from the pool, no transaction begun. */
const unavailableCodes = /^(P10\d\d|P2024|P2028|P2034|P2037)$/;
/** SQLSTATE: connection lost, resources gone, shutting down or starting up, timed out, gave up for another. */
const unavailableStates = /^(08(?!P01)|53|57P0|57014|55P03|25P03|40)/;
const unavailableKinds = new Set([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
  'TlsConnectionError',
]);
/** `pg` itself has no codes for these. */
const unavailableMessages =
  /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Client was closed|Cannot use a pool after)/;
const unavailableSystemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

interface DriverCause {
  kind?: string;
  originalCode?: string;
}

/** Whether the database did not answer, so that asking again later is right. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!types.isNativeError(error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && (unavailableCodes.test(code) || unavailableSystemCodes.has(code)))
    return true;
  const state = sqlStateOf(error);
  if (state !== undefined && unavailableStates.test(state)) return true;
  const kind = causeOf(error)?.kind;
  if (kind !== undefined && unavailableKinds.has(kind)) return true;
  return unavailableMessages.test(error.message);
}

/** SQLSTATE: read-only while it fails over, access refused, not migrated yet. An operator puts these right. */
const operatorStates = /^(25006|28|3D000|42501|42P01|42703)/;

/** Whether the database does not answer, or an operator has to put it right: nothing of it is the data's fault. */
export function isDatabaseOutOfOrder(error: unknown): boolean {
  const state = sqlStateOf(error);
  return isDatabaseUnavailable(error) || (state !== undefined && operatorStates.test(state));
}

/** Whether this SQLSTATE is about values, constraints or sizes: the same again would be refused again. */
export function refusesData(state: string): boolean {
  return /^(22|23|54)/.test(state);
}

/** PostgreSQL's SQLSTATE of an error of Prisma or of the driver; undefined: it is none of PostgreSQL's. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!types.isNativeError(error)) return undefined;
  const { code } = error as { code?: unknown };
  // `pg` itself, past Prisma, has it as its code. Prisma's own are P1000 and above.
  if (typeof code === 'string' && /^(?!P[1-9])[0-9A-Z]{5}$/.test(code)) return code;
  return causeOf(error)?.originalCode;
}

function causeOf(error: Error): DriverCause | undefined {
  const { meta } = error as { meta?: { driverAdapterError?: { cause?: DriverCause } } };
  return meta?.driverAdapterError?.cause ?? (error.cause as DriverCause | undefined);
}
