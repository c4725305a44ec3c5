import { defaultComposeFile } from '../../../dev/platform/options';
import { cleanPlatform } from '../../../dev/platform/recovery';

export default async function stopServers(): Promise<void> {
  const platforms = globalThis.testPlatforms ?? [];
  await Promise.all(
    platforms.map(async (platform) => {
      await platform.stop();
      await cleanPlatform(platform.dir, defaultComposeFile(), () => undefined);
    }),
  );
}
