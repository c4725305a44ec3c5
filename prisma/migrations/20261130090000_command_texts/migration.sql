-- Free text of commands to workflows, which carry the id of a row here instead.
-- CreateTable
CREATE TABLE "command_texts" (
    "id" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "texts" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "command_texts_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "command_texts_subject_id_idx" ON "command_texts"("subject_id");

-- CreateIndex
CREATE INDEX "command_texts_created_at_idx" ON "command_texts"("created_at");
