"""An example site: a mini-program logs in, authorises, and opens a service that asks for a real name."""
