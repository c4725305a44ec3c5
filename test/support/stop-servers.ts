import { rmSync } from 'node:fs';

export default async function stopServers(): Promise<void> {
  const platform = globalThis.testPlatform;
  if (platform === undefined) return;
  await platform.stop();
  rmSync(platform.dir, { recursive: true, force: true });
}
