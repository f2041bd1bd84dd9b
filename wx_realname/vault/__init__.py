"""Personal data at rest: ciphers and keys, blind indexes, and the model field that holds a ciphertext."""
