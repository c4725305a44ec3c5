/**
 * Starts a platform in the folder that is its argument, says so, and stays until it is killed.
 */
import { startPlatform } from '../../../infra/platform/platform';

void startPlatform({
  dir: process.argv[2] ?? '',
  ports: 'free',
  components: ['postgres', 'kafka', 'temporal'],
}).then(
  (platform) => process.stdout.write(`${JSON.stringify(platform.environment)}\n`),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
