/** The sandbox payment provider: its own HTTP server over its own database. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { v7 as uuidv7 } from 'uuid';
import { createSandbox } from '../providers/sandbox/server';
import type { Part, ProcessContext } from './process';

export async function startSandbox({ config, log }: ProcessContext): Promise<Part[]> {
  const sandbox = await createSandbox({
    databaseUrl: config.SANDBOX_DATABASE_URL,
    now: () => new Date(),
    newId: uuidv7,
    log: log.child({ part: 'sandbox' }),
    webhooks: config.SANDBOX_WEBHOOK_SECRETS && {
      url: config.SANDBOX_WEBHOOK_URL,
      secrets: config.SANDBOX_WEBHOOK_SECRETS,
    },
  });
  const server = createServer(sandbox.app);
  server.listen(config.SANDBOX_PORT, config.API_HOST);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw portError(error, config.SANDBOX_PORT);
  });
  return [
    {
      name: 'sandbox provider',
      async close() {
        server.close();
        await sandbox.close();
        server.closeAllConnections();
      },
    },
  ];
}

function portError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new Error(
    `Port ${port} is taken; the sandbox provider needs it. Stop what listens there or set SANDBOX_PORT.`,
  );
}
