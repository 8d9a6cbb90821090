-- A rebuild puts other tables in the place of the views' while their projector goes on (ADR 16). The positions stay what
-- they are, but what a projector remembers of the rows is of the old ones. So a swap raises this number, and a turn
-- moves a position only where the number is what it was when the partition was taken.
ALTER TABLE views.position ADD COLUMN generation bigint NOT NULL DEFAULT 0;
