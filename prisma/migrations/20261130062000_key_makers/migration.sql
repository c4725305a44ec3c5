-- Who made a key, and when it was last used; null: made before this was kept, by bin/migrate, or not used since.
ALTER TABLE "api_keys" ADD COLUMN "created_by" TEXT, ADD COLUMN "last_used_at" TIMESTAMPTZ(3);
