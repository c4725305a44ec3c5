/**
 * Where each server comes from: the environment, this machine's own programs, Docker; first match wins.
 *
 * Owns: the order, and the one message that lists everything missing. Starts and builds nothing. Invariant: the
 * answer depends only on the arguments, so that a test can describe any machine.
 */
import { cacheFolder, flawOf, machineSuffix, type CacheEntry } from './cache';
import { dockerProblem } from './docker';
import { PlatformError } from './errors';
import { kafkaTitle, kafkaVersion } from './kafka';
import type { PostgresPackage } from './postgres-programs';
import type { ComponentName, Origin } from './state';
import { cliVersion, installedCli, temporalCliTitle, type TemporalCli } from './temporal-dev';
import { temporalServerTitle, temporalServerVersion } from './temporal-on-postgres';
import type { Tools } from './tools';

export interface Given {
  readonly DATABASE_URL?: string;
  readonly SANDBOX_DATABASE_URL?: string;
  readonly KAFKA_BROKERS?: string;
  readonly TEMPORAL_ADDRESS?: string;
  readonly TEMPORAL_UI_URL?: string;
}

export interface Machine {
  readonly tools: Tools;
  readonly cacheDir: string;
  readonly composeFile: string;
  /** The npm package with PostgreSQL's programs. */
  readonly postgres: PostgresPackage | undefined;
}

export interface Wanted {
  readonly components: readonly ComponentName[];
  readonly temporal: 'dev' | 'postgres';
  readonly given: Given;
}
