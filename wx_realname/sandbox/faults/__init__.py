"""How this WeChat misbehaves, on demand and by dice: `table` has all of it, `trouble` decides when."""
