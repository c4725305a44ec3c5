/** Whether connections to a database are encrypted, as the client itself reads the URL and the environment. */
import { Client } from 'pg';

/**
 * Whether a connection to the database leaves this machine in clear. A socket and the loopback interface do not.
 * @throws when the URL names a certificate that cannot be read
 */
export function connectsInClear(databaseUrl: string): boolean {
  const { ssl, host } = new Client({ connectionString: databaseUrl });
  return !ssl && !/^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|\/.*)$/.test(host);
}
