-- Counts commits that changed what may begin when. A program that does not know of it counts none, and readers look by themselves now and then.
ALTER TABLE meta ADD COLUMN plans BIGINT NOT NULL DEFAULT 0;
