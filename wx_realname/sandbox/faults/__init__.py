"""How this WeChat misbehaves, on demand and at random: `table` has the faults, `trouble` decides when."""
