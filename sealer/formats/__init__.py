"""Every byte format that belongs to sealing: names, envelopes, keys, bundles, signatures (schemas/README.md). Pure."""
