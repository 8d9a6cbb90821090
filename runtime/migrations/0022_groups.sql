-- The groups that a key names, as an issuer's token does: they give nothing by themselves (docs/rights.md).
ALTER TABLE penstock.api_key ADD COLUMN groups text[] NOT NULL DEFAULT '{}';
