/** Before each test file: the addresses of the servers that this worker of jest has to itself. */
const environments = JSON.parse(process.env['TEST_SERVERS'] ?? '[]') as Record<string, string>[];
Object.assign(process.env, environments[Number(process.env['JEST_WORKER_ID'] ?? 1) - 1]);
