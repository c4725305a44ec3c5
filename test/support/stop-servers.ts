import { defaultComposeFile } from '../../dev/platform/options';
import { cleanPlatform } from '../../dev/platform/recovery';

export default async function stopServers(): Promise<void> {
  const platform = globalThis.testPlatform;
  if (platform === undefined) return;
  await platform.stop();
  await cleanPlatform(platform.dir, defaultComposeFile(), () => undefined);
}
