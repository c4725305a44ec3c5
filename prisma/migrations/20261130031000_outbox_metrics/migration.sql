-- What Prisma's schema language cannot say. The metrics of the bridge count these at each scrape; both are few,
-- whatever was ever published or dead-lettered.

CREATE INDEX "outbox_events_parked" ON "outbox_events" ("id")
  WHERE "parked_at" IS NOT NULL AND "published_at" IS NULL;

CREATE INDEX "dead_letters_open" ON "dead_letters" ("id") WHERE "status" = 'open';
