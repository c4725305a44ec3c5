-- AlterTable
ALTER TABLE "outbox_events" ADD COLUMN     "parked_at" TIMESTAMPTZ(3);

-- What the relay reads: neither published nor parked.
DROP INDEX "outbox_events_unpublished";
CREATE INDEX "outbox_events_unpublished" ON "outbox_events" ("shard", "id")
  WHERE "published_at" IS NULL AND "parked_at" IS NULL;

-- Published rows whose payload is kept still, oldest first: what the retention job looks through.
CREATE INDEX "outbox_events_kept_payload" ON "outbox_events" ("published_at")
  WHERE "published_at" IS NOT NULL AND "payload" IS NOT NULL;
