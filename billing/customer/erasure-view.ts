/** An erasure as the API shows it. */
import type { Erasure } from '../../contracts/http/customers';
import { instantOrNull } from '../rows';
import type { ErasureRow } from './erasure-store';

/** Returns how far an erasure has come. */
export function toErasure({ rows, started_at, finished_at }: ErasureRow): Erasure {
  return {
    status: finished_at === null ? 'running' : 'done',
    rows: Number(rows),
    started_at: started_at.toISOString(),
    finished_at: instantOrNull(finished_at),
  };
}
