-- CreateTable
CREATE TABLE "retry_policies" (
    "id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "document" JSONB NOT NULL,
    "actor" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "retry_policies_pkey" PRIMARY KEY ("id","version")
);

-- What Prisma's schema language cannot say.

ALTER TABLE "retry_policies" ADD CONSTRAINT "retry_policies_version_from_1" CHECK ("version" >= 1);
