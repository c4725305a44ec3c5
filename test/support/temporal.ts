/** A client of the Temporal server that this worker of jest has to itself. */
import { Client, Connection } from '@temporalio/client';

/** Registers a client for the tests of this file; it connects with its first call. */
export function useTemporal(): Client {
  const connection = Connection.lazy({ address: process.env['TEST_TEMPORAL_ADDRESS'] });
  afterAll(() => connection.close());
  return new Client({ connection });
}
