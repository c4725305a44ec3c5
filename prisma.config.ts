import { defineConfig } from 'prisma/config';

/** For the Prisma CLI only; the processes read `config.ts`. */
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: {
    url: process.env['DATABASE_URL'] ?? 'postgresql://perennial:perennial@127.0.0.1:15432/perennial',
  },
});
